// VEC neighbouring channels of an image in NHWC order, which a thread moves at once (images.py chooses VEC).
template <class X>
struct alignas(sizeof(X) * VEC) Channels {
    X at[VEC];
};

// The channels of this thread in a kernel launched over `blocks_over_rows`: x, in units of VEC.
#define CHANNELS (blockIdx.y * blockDim.x + threadIdx.x)
