// Parts of a matrix's columns joined and cut apart: up to COUNT (2, 4 or 8) parts in one launch. UNIT is the largest
// type in which all parts are whole numbers long. Neighbouring threads move neighbouring columns of the whole.

#define MOST 8
#define LOCAL_ENDS const int ends[MOST] = {e0, e1, e2, e3, e4, e5, e6, e7}

struct Place {
    int part, offset;  // -1 for none
};

// In which part column `c` lies, and where in that part, for row `row`.
__device__ __forceinline__ Place find(int row, int c, const int* ends) {
    int start = 0;
#pragma unroll
    for (int k = 0; k < COUNT; k++) {
        if (c < ends[k]) return {k, row * (ends[k] - start) + c - start};
        start = ends[k];
    }
    return {-1, 0};
}

// width: of a row of the whole, first: its column where these parts begin, columns: that they have together.
#define JOIN                                                                              \
    const UNIT* const parts[MOST] = {p0, p1, p2, p3, p4, p5, p6, p7};                     \
    LOCAL_ENDS;                                                                           \
    for (EACH(i, n)) {                                                                    \
        int row = i / columns, c = i - row * columns;                                     \
        Place place = find(row, c, ends);                                                 \
        _Pragma("unroll") for (int k = 0; k < COUNT; k++)                                 \
            if (k == place.part && parts[k]) whole[row * width + first + c] = parts[k][place.offset]; \
    }

KERNEL join(int n, IN(UNIT) p0, IN(UNIT) p1, IN(UNIT) p2, IN(UNIT) p3, IN(UNIT) p4, IN(UNIT) p5, IN(UNIT) p6,
            IN(UNIT) p7, OUT(UNIT) whole, int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7, int width,
            int first, int columns) {
    JOIN
}

// As `join`, where these are not all parts: the rest of the whole stays.
KERNEL join_some(int n, IN(UNIT) p0, IN(UNIT) p1, IN(UNIT) p2, IN(UNIT) p3, IN(UNIT) p4, IN(UNIT) p5, IN(UNIT) p6,
                 IN(UNIT) p7, INOUT(UNIT) whole, int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7,
                 int width, int first, int columns) {
    JOIN
}

KERNEL cut(int n, IN(UNIT) whole, OUT(UNIT) p0, OUT(UNIT) p1, OUT(UNIT) p2, OUT(UNIT) p3, OUT(UNIT) p4, OUT(UNIT) p5,
           OUT(UNIT) p6, OUT(UNIT) p7, int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7, int width,
           int first, int columns) {
    UNIT* const parts[MOST] = {p0, p1, p2, p3, p4, p5, p6, p7};
    LOCAL_ENDS;
    for (EACH(i, n)) {
        int row = i / columns, c = i - row * columns;
        Place place = find(row, c, ends);
#pragma unroll
        for (int k = 0; k < COUNT; k++)
            if (k == place.part && parts[k]) parts[k][place.offset] = whole[row * width + first + c];
    }
}
