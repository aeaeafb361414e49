// SMALL: the type of the smaller tensor's values.
// A smaller tensor that stands along some axes of x and is repeated along the others: added, multiplied, or the slope
// below 0; and the sums over the places where each of its values stands, its gradient.

// Memory of x as up to four axes, the last one fastest: DIMS of them, l1 to l3 the lengths of all but the first, and
// the stride in the smaller tensor along each (0: repeated).
__device__ __forceinline__ int where(int i, int l1, int l2, int l3, int s0, int s1, int s2, int s3) {
    if (DIMS == 1) return i * s3;
    int rest = i / l3, at = (i - rest * l3) * s3;
    if (DIMS == 2) return at + rest * s2;
    int former = rest / l2;
    at += (rest - former * l2) * s2;
    if (DIMS == 3) return at + former * s1;
    int first = former / l1;
    return at + (former - first * l1) * s1 + first * s0;
}

// As many of the smaller tensor's values as a pack of x has.
struct alignas(16) Smalls {
    SMALL v[Pack<T>::SIZE];
};

// The smaller tensor's values for pack i of x. INNER: along the last axis, of which packs are whole parts, they 1: are
// neighbours, 2: are one and the same, 0: neither is known.
__device__ __forceinline__ Smalls small(const SMALL* values, int i, int n, int l1, int l2, int l3, int s0, int s1,
                                        int s2, int s3) {
    const int size = Pack<T>::SIZE;
    int start = i * size;
    Smalls pack;
    if (INNER == 1) return *reinterpret_cast<const Smalls*>(values + where(start, l1, l2, l3, s0, s1, s2, s3));
    if (INNER == 2) {
        SMALL value = values[where(start, l1, l2, l3, s0, s1, s2, s3)];
#pragma unroll
        for (int k = 0; k < size; k++) pack.v[k] = value;
        return pack;
    }
#pragma unroll
    for (int k = 0; k < size; k++) {
        int at = start + k < n ? start + k : n - 1;
        pack.v[k] = values[where(at, l1, l2, l3, s0, s1, s2, s3)];
    }
    return pack;
}

// y = gamma * x + beta; either may be absent. g and b: strides in them.
KERNEL scale_and_shift(int n, IN(T) x, IN(SMALL) gamma, IN(SMALL) beta, OUT(T) y, int l1, int l2, int l3, int g0,
                       int g1, int g2, int g3, int b0, int b1, int b2, int b3) {
    for (PACKS(i, n, T)) {
        Pack<T> pack = load_pack(x, i, n);
        Smalls factor, shift;
        if (gamma) factor = small(gamma, i, n, l1, l2, l3, g0, g1, g2, g3);
        if (beta) shift = small(beta, i, n, l1, l2, l3, b0, b1, b2, b3);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) {
            A value = pack.v[k];
            if (gamma) value *= A(factor.v[k]);
            if (beta) value += A(shift.v[k]);
            pack.v[k] = T(value);
        }
        store_pack(y, i, n, pack);
    }
}

// y = g where x > 0, otherwise slope * g: forward with g = x, backward with g = dy.
KERNEL rectify(int n, IN(T) x, IN(T) g, IN(SMALL) slopes, OUT(T) y, int l1, int l2, int l3, int s0, int s1, int s2,
               int s3) {
    for (PACKS(i, n, T)) {
        Pack<T> sign = load_pack(x, i, n), pack = load_pack(g, i, n);
        Smalls slope = small(slopes, i, n, l1, l2, l3, s0, s1, s2, s3);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++)
            if (!(A(sign.v[k]) > 0)) pack.v[k] = T(A(pack.v[k]) * A(slope.v[k]));
        store_pack(y, i, n, pack);
    }
}

// The gradient of sums of f(x), which dy belongs to: y = factor * dy * f'(x). kind of f: 0 x, 1 |x|, 2 x^2.
KERNEL spread(int n, IN(T) x, IN(SMALL) dy, OUT(T) y, int kind, A factor, int l1, int l2, int l3, int s0, int s1, int s2,
              int s3) {
    for (PACKS(i, n, T)) {
        Smalls given = small(dy, i, n, l1, l2, l3, s0, s1, s2, s3);
        Pack<T> pack, values;
        if (kind) values = load_pack(x, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) {
            A slope = factor;
            if (kind) {
                A v = values.v[k];
                slope *= kind == 2 ? 2 * v : v > 0 ? A(1) : v < 0 ? A(-1) : v;  // the sign of NaN is NaN
            }
            pack.v[k] = T(slope * A(given.v[k]));
        }
        store_pack(y, i, n, pack);
    }
}
