// What all kernels share. T is the type of the values in memory, A the type in which sums are made: float for float,
// half and bfloat16, double for double. Both are defined by whoever compiles.

#define IN(type) const type*
#define OUT(type) type*
#define INOUT(type) type*
#define KERNEL extern "C" __global__ void

// The work-items of this thread in a kernel launched by `each`: for (EACH(i, n)) ...
#define EACH(i, n) int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += gridDim.x * blockDim.x

// Sixteen bytes of values, which a thread moves at once.
template <class V>
struct alignas(16) Pack {
    static const int SIZE = 16 / sizeof(V);
    V v[SIZE];
};

// The packs of this thread in a kernel over n values that `each` launches with per_thread: for (PACKS(i, n, T)) ...
#define PACKS(i, n, type) EACH(i, ((n) - 1) / Pack<type>::SIZE + 1)

// Pack i of n values; what lies beyond the end is 0.
template <class V>
__device__ __forceinline__ Pack<V> load_pack(const V* values, int i, int n) {
    Pack<V> pack;
    int start = i * Pack<V>::SIZE;
    if (n - start >= Pack<V>::SIZE) {
        pack = reinterpret_cast<const Pack<V>*>(values)[i];
    } else {
#pragma unroll
        for (int k = 0; k < Pack<V>::SIZE; k++) pack.v[k] = k < n - start ? values[start + k] : V(0);
    }
    return pack;
}

// The loop over what is left is unrolled: an index that is not known to the compiler would put every pack, whole ones
// too, into local memory.
template <class V>
__device__ __forceinline__ void store_pack(V* values, int i, int n, const Pack<V>& pack) {
    int start = i * Pack<V>::SIZE;
    if (n - start >= Pack<V>::SIZE) {
        reinterpret_cast<Pack<V>*>(values)[i] = pack;
    } else {
#pragma unroll
        for (int k = 0; k < Pack<V>::SIZE; k++)
            if (k < n - start) values[start + k] = pack.v[k];
    }
}

#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name)                                   \
    extern __shared__ __align__(16) unsigned char dynamic_shared_[]; \
    type* name = reinterpret_cast<type*>(dynamic_shared_)
#endif

#define WARP 32
#define ALL_LANES 0xffffffffu

struct Sum {
    static __device__ __forceinline__ A neutral() { return A(0); }
    static __device__ __forceinline__ A of(A a, A b) { return a + b; }
};

struct Largest {
    static __device__ __forceinline__ A neutral() { return -A(INFINITY); }
    static __device__ __forceinline__ A of(A a, A b) { return a > b ? a : b; }
};

// One value per thread of a warp put together; every lane gets the result, the same in every run.
template <class Op>
__device__ __forceinline__ A warp_all(A value) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value = Op::of(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

// One value per thread of a block put together; every thread gets the result. Needs whole warps, at most 1024 threads.
template <class Op>
__device__ __forceinline__ A block_all(A value) {
    __shared__ A partial[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_all<Op>(value);
    __syncthreads();  // an earlier call's partial results have been read
    if (lane == 0) partial[warp] = value;
    __syncthreads();
    value = lane < (int)blockDim.x / WARP ? partial[lane] : Op::neutral();
    return warp_all<Op>(value);
}
