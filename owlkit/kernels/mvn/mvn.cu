// Mean 0 and variance 1 per group. Values lie as (outer, length, inner); a group is a pair of outer and inner. A block
// takes blockDim.x neighbouring groups of one outer, its threads share their values; where inner is 1 a block is one
// group wide and all its threads are neighbours in memory.

// Two numbers per thread summed over threadIdx.y, in fixed order; every thread gets its group's.
struct Two { A one, two; };

__device__ __forceinline__ Two over_group(A one, A two) {
    DYNAMIC_SHARED(A, shared);  // [2][blockDim.y][blockDim.x]
    int threads = blockDim.x * blockDim.y, thread = threadIdx.y * blockDim.x + threadIdx.x;
    __syncthreads();  // what an earlier call left has been read
    shared[thread] = one, shared[threads + thread] = two;
    __syncthreads();
    for (int distance = blockDim.y / 2; distance > 0; distance /= 2) {
        if (threadIdx.y < distance) {
            shared[thread] += shared[thread + distance * blockDim.x];
            shared[threads + thread] += shared[threads + thread + distance * blockDim.x];
        }
        __syncthreads();
    }
    return {shared[threadIdx.x], shared[threads + threadIdx.x]};
}

// Values of the thread: for (VALUES(at)) ...; none where its group does not exist.
#define VALUES(at)                                                                                     \
    long long at = start + (long long)threadIdx.y * inner, end = start + (long long)length * inner;    \
    group < inner && at < end; at += (long long)blockDim.y * inner

// kept: [2][outer * inner], mean and 1 / (sqrt(variance) + eps). The sums are of differences to the group's first
// value, then to the mean: a group without any variation gives 0, not rounding errors divided by eps.
KERNEL mvn_forward(IN(T) x, OUT(T) y, OUT(A) kept, int length, int inner, A eps) {
    int group = blockIdx.y * blockDim.x + threadIdx.x;
    long long start = (long long)blockIdx.x * length * inner + group;
    A first = group < inner ? A(x[start]) : A(0), sum = 0, squares = 0;
    for (VALUES(at)) sum += A(x[at]) - first;
    A mean = first + over_group(sum, 0).one / length, factor = 1;
    if (SCALED) {
        for (VALUES(at)) {
            A d = A(x[at]) - mean;
            squares += d * d;
        }
        factor = A(1) / (sqrt(over_group(squares, 0).one / length) + eps);
    }
    for (VALUES(at)) y[at] = T((A(x[at]) - mean) * factor);
    if (threadIdx.y == 0 && group < inner) {
        int at = blockIdx.x * inner + group;
        kept[at] = mean, kept[gridDim.x * inner + at] = factor;
    }
}

// dx may be dy: a thread writes only what it has read.
KERNEL mvn_backward(IN(T) x, IN(T) dy, IN(A) kept, OUT(T) dx, int length, int inner) {
    int group = blockIdx.y * blockDim.x + threadIdx.x;
    long long start = (long long)blockIdx.x * length * inner + group;
    A mean = 0, factor = 1, sum = 0, product = 0;
    if (group < inner) {
        int at = blockIdx.x * inner + group;
        mean = kept[at], factor = kept[gridDim.x * inner + at];
    }
    for (VALUES(at)) {
        A g = dy[at];
        sum += g;
        if (SCALED) product += g * (A(x[at]) - mean) * factor;
    }
    Two sums = over_group(sum, product);
    sums.one /= length, sums.two /= length;
    for (VALUES(at)) {
        A g = A(dy[at]) - sums.one;
        if (SCALED) g = (g - (A(x[at]) - mean) * factor * sums.two) * factor;
        dx[at] = T(g);
    }
}
