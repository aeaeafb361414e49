// y += x, for gradients that cuDNN can only write.

KERNEL add(int n, IN(T) x, INOUT(T) y) {
    for (PACKS(i, n, T)) {
        Pack<T> sum = load_pack(y, i, n), more = load_pack(x, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) sum.v[k] = T(A(sum.v[k]) + A(more.v[k]));
        store_pack(y, i, n, sum);
    }
}
