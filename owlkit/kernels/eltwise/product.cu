// Products of tensors, and the gradients of each factor.

KERNEL product(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, OUT(T) y) {
    LOCAL_INPUTS;
    for (PACKS(i, n, T)) {
        Packs x = load_all(xs, i, n);
        Pack<T> result;
#pragma unroll
        for (EACH_VALUE(v)) {
            A all = x.of[0].v[v];
#pragma unroll
            for (int k = 1; k < COUNT; k++) if (xs[k]) all *= A(x.of[k].v[v]);
            result.v[v] = T(all);
        }
        store_pack(y, i, n, result);
    }
}

// dy times the other factors.
KERNEL product_gradient(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, IN(T) dy,
                        OUT(T) d0, OUT(T) d1, OUT(T) d2, OUT(T) d3, OUT(T) d4, OUT(T) d5, OUT(T) d6, OUT(T) d7) {
    LOCAL_INPUTS;
    LOCAL_OUTPUTS;
    for (PACKS(i, n, T)) {
        Packs x = load_all(xs, i, n);
        Pack<T> g = load_pack(dy, i, n), result;
#pragma unroll
        for (EACH_TENSOR(k)) {
            if (!ds[k]) continue;
#pragma unroll
            for (EACH_VALUE(v)) {
                A others = g.v[v];
#pragma unroll
                for (EACH_TENSOR(j)) if (j != k && xs[j]) others *= A(x.of[j].v[v]);
                result.v[v] = T(others);
            }
            store_pack(ds[k], i, n, result);
        }
    }
}

// dy * y / x.
KERNEL quotient(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, IN(T) y, IN(T) dy,
                OUT(T) d0, OUT(T) d1, OUT(T) d2, OUT(T) d3, OUT(T) d4, OUT(T) d5, OUT(T) d6, OUT(T) d7) {
    LOCAL_INPUTS;
    LOCAL_OUTPUTS;
    for (PACKS(i, n, T)) {
        Pack<T> whole = load_pack(y, i, n), g = load_pack(dy, i, n), result;
#pragma unroll
        for (EACH_TENSOR(k)) {
            if (!ds[k]) continue;
            Pack<T> x = load_pack(xs[k], i, n);
#pragma unroll
            for (EACH_VALUE(v)) result.v[v] = T(A(g.v[v]) * (A(whole.v[v]) / A(x.v[v])));
            store_pack(ds[k], i, n, result);
        }
    }
}
