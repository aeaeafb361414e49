// Weighted sums of tensors, and the gradients of each.

KERNEL sum(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, OUT(T) y, A c0, A c1,
           A c2, A c3, A c4, A c5, A c6, A c7, int relu) {
    LOCAL_INPUTS;
    LOCAL_COEFFICIENTS;
    for (PACKS(i, n, T)) {
        Packs x = load_all(xs, i, n);
        Pack<T> result;
#pragma unroll
        for (EACH_VALUE(v)) {
            A total = cs[0] * A(x.of[0].v[v]);
#pragma unroll
            for (int k = 1; k < COUNT; k++) if (xs[k]) total += cs[k] * A(x.of[k].v[v]);
            result.v[v] = T(relu && total < 0 ? A(0) : total);
        }
        store_pack(y, i, n, result);
    }
}

KERNEL share(int n, IN(T) dy, OUT(T) d0, OUT(T) d1, OUT(T) d2, OUT(T) d3, OUT(T) d4, OUT(T) d5, OUT(T) d6, OUT(T) d7,
             A c0, A c1, A c2, A c3, A c4, A c5, A c6, A c7) {
    LOCAL_OUTPUTS;
    LOCAL_COEFFICIENTS;
    for (PACKS(i, n, T)) {
        Pack<T> g = load_pack(dy, i, n), scaled;
#pragma unroll
        for (EACH_TENSOR(k)) {
            if (!ds[k]) continue;
#pragma unroll
            for (EACH_VALUE(v)) scaled.v[v] = T(cs[k] * A(g.v[v]));
            store_pack(ds[k], i, n, scaled);
        }
    }
}
