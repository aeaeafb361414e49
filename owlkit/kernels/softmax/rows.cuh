// What softmax and its losses share: scores of a row, looked at by one warp. Value k of row (o, i) of (outer, inner)
// lies at (o * length + k) * inner + i: with inner = 1 they are neighbours.

struct RowStatistics {
    A largest, sum;  // sum of exp(x - largest)
};

__device__ __forceinline__ long long row_start(int row, int length, int inner) {
    if (inner == 1) return (long long)row * length;
    return (long long)(row / inner) * length * inner + row % inner;
}

// The row's largest score and the sum of its exponentials; the row is read twice, the second time from the cache.
__device__ __forceinline__ RowStatistics row_statistics(IN(T) row, int length, int inner, int lane) {
    A largest = Largest::neutral();
    for (int k = lane; k < length; k += WARP) largest = Largest::of(largest, A(row[(long long)k * inner]));
    largest = warp_all<Largest>(largest);
    A sum = 0;
    for (int k = lane; k < length; k += WARP) sum += exp(A(row[(long long)k * inner]) - largest);
    return {largest, warp_all<Sum>(sum)};
}
