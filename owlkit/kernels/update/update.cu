// Solver updates: each rule in one pass over data, gradient and histories. The formulas are those of reference.py.
// RULE: 0 SGD, 1 Nesterov, 2 AdaGrad, 3 RMSProp, 4 AdaDelta, 5 Adam. L1: whether the decay is by sign.
// KEEP: momentum (share of the first history that is kept), KEEP2: of the second; DELTA: as the rule uses it.

// What is to be subtracted from a value with the regularised gradient g; h and u are its histories.
__device__ __forceinline__ A step(A g, A& h, A& u, A rate) {
    // 1 - 0.999 in float would be off by 1e-5 of its value: the compiler subtracts in double.
    const A keep = A(KEEP), rest = A(1.0 - (KEEP)), delta = A(DELTA);
    if (RULE == 0) return h = keep * h + rate * g;
    if (RULE == 1) {
        A former = h;
        h = keep * former + rate * g;
        return (1 + keep) * h - keep * former;
    }
    if (RULE == 2) {
        h += g * g;
        return rate * g / (sqrt(h) + delta);
    }
    if (RULE == 3) {
        h = keep * h + rest * (g * g);
        return rate * g / (sqrt(h) + delta);
    }
    if (RULE == 4) {
        h = keep * h + rest * (g * g);
        A s = g * sqrt(u + delta) / sqrt(h + delta);
        u = keep * u + rest * (s * s);
        return rate * s;
    }
    h = keep * h + rest * g;
    u = A(KEEP2) * u + A(1.0 - (KEEP2)) * (g * g);
    return rate * h / (sqrt(u) + delta);
}

// factors: rate, scale of the gradients, decay. clip: one more factor of the gradients, or null. state: of a loss scale
// (see masters/__init__.py), or null; where it says that a gradient or loss is not finite, nothing is changed.
template <bool leave>
__device__ __forceinline__ void update_all(int n, T* data, T* diff, T* first, T* second, const A* factors,
                                           const double* clip, const float* state) {
    if (state && (state[2] != 0 || state[5] != 0)) return;
    const bool two = RULE >= 4;
    const A rate = factors[0], decay = factors[2], scale = clip ? A(factors[1] * clip[0]) : factors[1];
    for (PACKS(i, n, T)) {
        Pack<T> w = load_pack(data, i, n), g = load_pack(diff, i, n), h = load_pack(first, i, n), u;
        if (two) u = load_pack(second, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) {
            A value = w.v[k], gradient = g.v[k], one = h.v[k], other = two ? A(u.v[k]) : A(0);
            A decays = L1 ? A((value > 0) - (value < 0)) : value;
            gradient *= scale;
            if (decay != 0) gradient += decay * decays;  // 0 * inf would make a NaN of its own
            A change = step(gradient, one, other, rate);
            w.v[k] = T(value - change);
            h.v[k] = T(one);
            if (two) u.v[k] = T(other);
            if (leave) g.v[k] = T(change);
        }
        store_pack(data, i, n, w);
        store_pack(first, i, n, h);
        if (two) store_pack(second, i, n, u);
        if (leave) store_pack(diff, i, n, g);
    }
}

KERNEL update(int n, INOUT(T) data, IN(T) diff, INOUT(T) first, INOUT(T) second, IN(A) factors, IN(double) clip,
              IN(float) state) {
    update_all<false>(n, data, const_cast<T*>(diff), first, second, factors, clip, state);
}

// Leaves what was subtracted in diff, as Caffe does.
KERNEL update_and_leave(int n, INOUT(T) data, INOUT(T) diff, INOUT(T) first, INOUT(T) second, IN(A) factors,
                        IN(double) clip, IN(float) state) {
    update_all<true>(n, data, diff, first, second, factors, clip, state);
}
