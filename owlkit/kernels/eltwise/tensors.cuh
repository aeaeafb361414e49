// Up to COUNT (2, 4 or 8) tensors of one shape in one pass over memory; those that are null are left out. Every thread
// reads its values of all tensors before it writes, so that a result may lie in the memory of one of them.

#define MOST 8
#define LOCAL_INPUTS const T* const xs[MOST] = {x0, x1, x2, x3, x4, x5, x6, x7}
#define LOCAL_OUTPUTS T* const ds[MOST] = {d0, d1, d2, d3, d4, d5, d6, d7}
#define LOCAL_COEFFICIENTS const A cs[MOST] = {c0, c1, c2, c3, c4, c5, c6, c7}
#define EACH_TENSOR(k) int k = 0; k < COUNT; k++
#define EACH_VALUE(v) int v = 0; v < Pack<T>::SIZE; v++

struct Packs {
    Pack<T> of[COUNT];
};

__device__ __forceinline__ Packs load_all(const T* const* xs, int i, int n) {
    Packs all;
#pragma unroll
    for (EACH_TENSOR(k)) if (xs[k]) all.of[k] = load_pack(xs[k], i, n);
    return all;
}
