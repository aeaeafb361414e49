// The highest values of a row, best first; of equals the highest index, and NaN last. A warp takes a row.

struct Best { A value; int index; };

__device__ __forceinline__ bool before(Best a, Best b) {
    if (a.index < 0 || b.index < 0) return b.index < a.index;
    bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return b_nan;
    return a_nan || a.value == b.value ? a.index > b.index : a.value > b.value;
}

// Element e of row (o, i) lies at (o * length + e) * inner + i. Its index in Caffe's order is e, or where channels lie
// last e % channels * (length / channels) + e / channels; channels is 1 otherwise. What rank r gets lies at
// o * y_outer + i + r * y_rank, and the value y_value further on where both are written.
// MODE: 1 indices, 2 values, 3 both.
KERNEL argmax(int rows, IN(T) x, OUT(T) y, int length, int inner, int channels, int count, int y_outer, int y_rank,
              int y_value) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    int o = row / inner, i = row - o * inner;
    const T* start = x + (long long)o * length * inner + i;
    T* target = y + (long long)o * y_outer + i;
    Best last = {A(0), -1};
    // Nothing is kept of a row but the last one found: every rank is the best of those that come after it.
    for (int rank = 0; rank < count; rank++) {
        Best best = {A(0), -1};
        for (int e = lane; e < length; e += WARP) {
            int plane = length / channels;
            Best here = {A(start[(long long)e * inner]), e % channels * plane + e / channels};
            if ((rank == 0 || before(last, here)) && before(here, best)) best = here;
        }
        for (int distance = WARP / 2; distance > 0; distance /= 2) {
            Best other;
            other.value = __shfl_xor_sync(ALL_LANES, best.value, distance);
            other.index = __shfl_xor_sync(ALL_LANES, best.index, distance);
            if (before(other, best)) best = other;
        }
        last = best;
        if (lane) continue;
        if (MODE & 1) target[(long long)rank * y_rank] = T(A(best.index));
        if (MODE & 2) target[(long long)rank * y_rank + (MODE == 3 ? y_value : 0)] = T(best.value);
    }
}
