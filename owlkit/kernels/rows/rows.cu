// Rows of a table by number. Half precision cannot hold every number: they are given as sums are made, in float. One
// that is no row gives NaN.

// VEC values, which divide a row.
struct alignas(sizeof(T) * VEC) Run {
    T at[VEC];
};

__device__ __forceinline__ bool is_row(A number, int count) {
    return number >= 0 && number < count && number == A((int)number);
}

// n and width count runs.
KERNEL take(int n, IN(T) table, IN(A) numbers, OUT(T) out, int count, int width) {
    const Run* rows = reinterpret_cast<const Run*>(table);
    for (EACH(i, n)) {
        int item = i / width;
        A number = numbers[item];
        Run run;
        if (is_row(number, count)) {
            run = rows[(int)number * width + i - item * width];
        } else {
#pragma unroll
            for (int k = 0; k < VEC; k++) run.at[k] = T(A(NAN));
        }
        reinterpret_cast<Run*>(out)[i] = run;
    }
}

// To add rows, items are put into the order of their numbers; of one number, into their own. Sums then have one order and
// the work is n log n. Numbers that are no rows get the one behind the last row, and nothing is added for them.
//
// Key: the number above, the item below. No two are equal, so that there is one order only.
typedef unsigned long long Key;

#define SORTED 1024  // keys that a block sorts, one per thread: the largest block
#define CHUNK 64     // places that one thread adds up; longer pieces are put together from such sums

__device__ __forceinline__ int row_of(Key key) { return (int)(key >> 32); }
__device__ __forceinline__ int item_of(Key key) { return (int)key; }

// Where keys[i] goes when neighbouring runs of `run` sorted keys (a power of 2) are merged: behind those before it in its
// own run, and behind the smaller ones in the other, which are counted by bisection.
__device__ __forceinline__ int merged_place(const Key* keys, int i, int n, int run) {
    int own = i & ~(run - 1), other = own ^ run;
    int low = 0, high = other < n ? min(run, n - other) : 0;
    while (low < high) {
        int middle = (low + high) / 2;
        if (keys[other + middle] < keys[i]) low = middle + 1;
        else high = middle;
    }
    return min(own, other) + i - own + low;
}

KERNEL sort_blocks(IN(A) numbers, OUT(Key) keys, int items, int count) {
    __shared__ Key sorted[2][SORTED];
    int first = blockIdx.x * SORTED, n = min(SORTED, items - first), i = threadIdx.x, side = 0;
    if (i < n) {
        A number = numbers[first + i];
        sorted[0][i] = (Key)(is_row(number, count) ? (int)number : count) << 32 | (Key)(first + i);
    }
    __syncthreads();
    for (int run = 1; run < n; run *= 2, side ^= 1) {
        if (i < n) sorted[side ^ 1][merged_place(sorted[side], i, n, run)] = sorted[side][i];
        __syncthreads();
    }
    if (i < n) keys[first + i] = sorted[side][i];
}

KERNEL merge(int n, IN(Key) keys, OUT(Key) merged, int run) {
    for (EACH(i, n)) merged[merged_place(keys, i, n, run)] = keys[i];
}

// The rows from place i on that have its number, up to the end of its chunk, added to a sum.
__device__ __forceinline__ A add_piece(A sum, const Key* keys, const T* rows, int i, int items, int width, int c) {
    int row = row_of(keys[i]), end = min(i - i % CHUNK + CHUNK, items);
    for (; i < end && row_of(keys[i]) == row; i++) sum += A(rows[item_of(keys[i]) * width + c]);
    return sum;
}

// n: width values of each chunk but the first. Where a chunk begins with the number that the one before ends with, what it
// has of it.
KERNEL add_continued(int n, IN(Key) keys, IN(T) rows, OUT(A) continued, int items, int width) {
    for (EACH(at, n)) {
        int chunk = at / width, i = (chunk + 1) * CHUNK;
        if (row_of(keys[i]) == row_of(keys[i - 1]))
            continued[at] = add_piece(A(0), keys, rows, i, items, width, at - chunk * width);
    }
}

// n: width values of each item. The first item with a number adds all that have it: those in its chunk, and what later
// chunks have of it.
KERNEL add(int n, IN(Key) keys, IN(T) rows, IN(A) continued, INOUT(T) table, int items, int count, int width) {
    for (EACH(at, n)) {
        int i = at / width, c = at - i * width, row = row_of(keys[i]);
        if (row == count || (i && row_of(keys[i - 1]) == row)) continue;
        T* place = table + row * width + c;
        A sum = add_piece(A(*place), keys, rows, i, items, width, c);
        for (int chunk = i / CHUNK; (chunk + 1) * CHUNK < items && row_of(keys[(chunk + 1) * CHUNK]) == row; chunk++)
            sum += continued[chunk * width + c];
        *place = T(sum);
    }
}
