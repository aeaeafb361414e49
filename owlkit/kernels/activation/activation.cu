// ReLU, Sigmoid and TanH. KIND: 0 relu, 1 sigmoid, 2 tanh. x and y, dy and dx may be the same memory.

__device__ __forceinline__ A activated(A v, A slope) {
    if (KIND == 0) return v > 0 ? v : slope * v + A(0);  // NaN stays NaN; no zero is -0
    if (KIND == 1) return A(0.5) * tanh(A(0.5) * v) + A(0.5);  // Caffe's form: no overflow for large -v
    return tanh(v);
}

__device__ __forceinline__ A gradient(A v, A g, A slope) {
    if (KIND == 0) return v > 0 ? g : slope * g;
    if (KIND == 1) return g * v * (1 - v);
    return g * (1 - v * v);
}

KERNEL activation_forward(int n, IN(T) x, OUT(T) y, A slope) {
    for (PACKS(i, n, T)) {
        Pack<T> pack = load_pack(x, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) pack.v[k] = T(activated(A(pack.v[k]), slope));
        store_pack(y, i, n, pack);
    }
}

KERNEL activation_backward(int n, IN(T) y, IN(T) dy, OUT(T) dx, A slope) {
    for (PACKS(i, n, T)) {
        Pack<T> values = load_pack(y, i, n), pack = load_pack(dy, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) pack.v[k] = T(gradient(A(values.v[k]), A(pack.v[k]), slope));
        store_pack(dx, i, n, pack);
    }
}
