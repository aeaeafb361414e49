// What softmax and its loss share: scores of a row, which are neighbours in memory, looked at by one warp.

struct RowStatistics {
    A largest, sum;  // sum of exp(x - largest)
};

// The row's largest score and the sum of its exponentials; the row is read twice, the second time from the cache.
__device__ __forceinline__ RowStatistics row_statistics(IN(T) row, int length, int lane) {
    A largest = Largest::neutral();
    for (int k = lane; k < length; k += WARP) largest = Largest::of(largest, A(row[k]));
    largest = warp_all<Largest>(largest);
    A sum = 0;
    for (int k = lane; k < length; k += WARP) sum += exp(A(row[k]) - largest);
    return {largest, warp_all<Sum>(sum)};
}
