// Functions of each value by itself: u = shift + scale * x, y = factor * f(u). The gradient reads x or y, as KIND wants;
// what it does not use is never loaded.
// KIND: 0 abs, 1 power, 2 exp, 3 log, 4 bnll, 5 elu, 6 swish, 7 clip, 8 threshold.

#define PARAMETERS A alpha, A beta, A scale, A shift, A factor
#define GIVEN alpha, beta, scale, shift, factor
#define BNLL_LIMIT A(50)  // Caffe's: exp(50) is finite in float

__device__ __forceinline__ A gate(A x) { return A(0.5) * tanh(A(0.5) * x) + A(0.5); }  // no overflow for large -x

// u to the power p; the usual ones without logarithms.
__device__ __forceinline__ A power(A u, A p) {
    return p == 1 ? u : p == 2 ? u * u : p == A(0.5) ? A(sqrt(u)) : A(pow(u, p));
}

__device__ __forceinline__ A value(A x, PARAMETERS) {
    if (KIND == 0) return fabs(x);
    if (KIND == 1) return power(shift + scale * x, alpha);
    if (KIND == 2) return exp(shift + scale * x);
    if (KIND == 3) return factor * log(shift + scale * x);
    if (KIND == 4) return (x < 0 ? A(0) : x) + log1p(exp(-fabs(x)));
    if (KIND == 5) return x > 0 ? x : alpha * expm1(x);
    if (KIND == 6) return x * gate(alpha * x);
    if (KIND == 7) return x < alpha ? alpha : x > beta ? beta : x;
    return x > alpha ? A(1) : A(0);
}

__device__ __forceinline__ A slope(A x, A y, PARAMETERS) {
    if (KIND == 0) return A((x > 0) - (x < 0));
    if (KIND == 1) {
        A outer = scale * alpha;
        return alpha == 1 || outer == 0 ? outer : outer * power(shift + scale * x, alpha - 1);
    }
    if (KIND == 2) return scale * y;
    if (KIND == 3) return scale * factor / (shift + scale * x);
    if (KIND == 4) {
        A e = exp(x < BNLL_LIMIT ? x : BNLL_LIMIT);
        return e / (1 + e);
    }
    if (KIND == 5) return x > 0 ? A(1) : y + alpha;
    if (KIND == 6) {
        A s = gate(alpha * x);
        return s + alpha * y * (1 - s);
    }
    if (KIND == 7) return x >= alpha && x <= beta ? A(1) : A(0);
    return A(0);
}

KERNEL elementwise_forward(int n, IN(T) x, OUT(T) y, A alpha, A beta, A scale, A shift, A factor) {
    for (PACKS(i, n, T)) {
        Pack<T> pack = load_pack(x, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) pack.v[k] = T(value(A(pack.v[k]), GIVEN));
        store_pack(y, i, n, pack);
    }
}

KERNEL elementwise_backward(int n, IN(T) x, IN(T) y, IN(T) dy, OUT(T) dx, A alpha, A beta, A scale, A shift, A factor) {
    for (PACKS(i, n, T)) {
        Pack<T> in, out, g = load_pack(dy, i, n);
        const bool reads_x = KIND != 2 && KIND != 8, reads_y = KIND == 2 || KIND == 5 || KIND == 6;
        if (reads_x) in = load_pack(x, i, n);
        if (reads_y) out = load_pack(y, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) {
            A a = reads_x ? A(in.v[k]) : A(0), b = reads_y ? A(out.v[k]) : A(0);
            g.v[k] = T(A(g.v[k]) * slope(a, b, GIVEN));
        }
        store_pack(dx, i, n, g);
    }
}
