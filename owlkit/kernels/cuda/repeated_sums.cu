// Sums over the places where each value of a smaller tensor stands in x, in a fixed order: threads, blocks, then one
// warp per value over all blocks. A value is kept axes (up to three), a place in its sum summed axes (up to two).
// SMALL: the type of the sums in memory. TERM: 0 dy; 1 dy * x and dy; 2 dy * min(x, 0); 3 |dy|; 4 dy^2.

struct Sums {
    A one, two;
};

__device__ __forceinline__ void add(Sums& sums, const T* x, const T* dy, int at) {
    A g = dy[at];
    if (TERM == 0) {
        sums.one += g;
    } else if (TERM == 1) {
        sums.one += g * A(x[at]);
        sums.two += g;
    } else if (TERM == 3) {
        sums.one += fabs(g);
    } else if (TERM == 4) {
        sums.one += g * g;
    } else {
        A value = x[at];
        if (!(value > 0)) sums.one += g * value;
    }
}

// Value j of three axes whose inner lengths are l1 and l2, by the strides along them.
__device__ __forceinline__ int kept(int j, int l1, int l2, int s0, int s1, int s2) {
    int rest = j / l2, first = rest / l1;
    return first * s0 + (rest - first * l1) * s1 + (j - rest * l2) * s2;
}

__device__ __forceinline__ int summed(int r, int l1, int s0, int s1) {
    int first = r / l1;
    return first * s0 + (r - first * l1) * s1;
}

// partial: (TERM == 1 ? 2 : 1, chunks, values). Neighbouring threads take neighbouring values; threadIdx.y the places.
KERNEL sum_columns(IN(T) x, IN(T) dy, OUT(A) partial, int values, int k1, int k2, int kx0, int kx1, int kx2, int places,
                   int p1, int px0, int px1, int most) {
    __shared__ A all[2][256];
    int j = blockIdx.x * blockDim.x + threadIdx.x, end = min(places, (int)(blockIdx.y + 1) * most);
    Sums sums = {0, 0};
    if (j < values) {
        int base = kept(j, k1, k2, kx0, kx1, kx2);
        for (int r = blockIdx.y * most + threadIdx.y; r < end; r += blockDim.y)
            add(sums, x, dy, base + summed(r, p1, px0, px1));
    }
    all[0][threadIdx.y * blockDim.x + threadIdx.x] = sums.one;
    all[1][threadIdx.y * blockDim.x + threadIdx.x] = sums.two;
    __syncthreads();
    if (threadIdx.y || j >= values) return;
    for (int y = 1; y < blockDim.y; y++) {
        sums.one += all[0][y * blockDim.x + threadIdx.x];
        sums.two += all[1][y * blockDim.x + threadIdx.x];
    }
    partial[blockIdx.y * values + j] = sums.one;
    if (TERM == 1) partial[(gridDim.y + blockIdx.y) * values + j] = sums.two;
}

// As `sum_columns`, where neighbours in memory belong to one value: a block for each value and chunk.
KERNEL sum_runs(IN(T) x, IN(T) dy, OUT(A) partial, int values, int k1, int k2, int kx0, int kx1, int kx2, int places,
                int p1, int px0, int px1, int most) {
    int base = kept(blockIdx.x, k1, k2, kx0, kx1, kx2), end = min(places, (int)(blockIdx.y + 1) * most);
    Sums sums = {0, 0};
    for (int r = blockIdx.y * most + threadIdx.x; r < end; r += blockDim.x)
        add(sums, x, dy, base + summed(r, p1, px0, px1));
    A one = block_all<Sum>(sums.one), two = TERM == 1 ? block_all<Sum>(sums.two) : A(0);
    if (threadIdx.x) return;
    partial[blockIdx.y * values + blockIdx.x] = one;
    if (TERM == 1) partial[(gridDim.y + blockIdx.y) * values + blockIdx.x] = two;
}

// One warp per value. g, b: strides of the value's axes in both results; the second may be absent.
KERNEL finish_sums(IN(A) partial, OUT(SMALL) first, OUT(SMALL) second, A factor, int values, int chunks, int k1, int k2, int g0,
                   int g1, int g2, int b0, int b1, int b2) {
    int j = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    A one = 0, two = 0;
    for (int c = lane; c < chunks && j < values; c += WARP) {
        one += partial[c * values + j];
        if (second) two += partial[(chunks + c) * values + j];
    }
    one = warp_all<Sum>(one);
    two = warp_all<Sum>(two);
    if (lane || j >= values) return;
    first[kept(j, k1, k2, g0, g1, g2)] = SMALL(factor * one);
    if (second) second[kept(j, k1, k2, b0, b1, b2)] = SMALL(factor * two);
}
