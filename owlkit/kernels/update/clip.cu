// The norm of all gradients, and the factor that clips them.

// Sums of squares, one per block, from `first` on in `sums`.
KERNEL squares(int n, IN(T) values, INOUT(double) sums, int first) {
    A sum = 0;
    for (PACKS(i, n, T)) {
        Pack<T> pack = load_pack(values, i, n);
#pragma unroll
        for (int k = 0; k < Pack<T>::SIZE; k++) sum += A(pack.v[k]) * A(pack.v[k]);
    }
    sum = block_all<Sum>(sum);
    if (threadIdx.x == 0) sums[first + blockIdx.x] = sum;
}

// factor = limit / norm where the norm exceeds the limit, otherwise 1 (for a NaN too). One warp.
KERNEL clip(IN(double) sums, int count, double limit, OUT(double) factor) {
    double total = 0;
    for (int i = threadIdx.x; i < count; i += WARP) total += sums[i];
    for (int distance = WARP / 2; distance > 0; distance /= 2) total += __shfl_xor_sync(ALL_LANES, total, distance);
    double norm = sqrt(total);
    if (threadIdx.x == 0) factor[0] = norm > limit ? limit / norm : 1;
}
