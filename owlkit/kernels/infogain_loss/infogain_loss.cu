// Softmax and the loss of one label per row, the price of each mistake from a row of h; a warp takes a row.
// A label outside [0, length) that is not to be ignored, or no whole number, makes the loss NaN.

#define LEAST_PROBABILITY A(1e-20)  // Caffe's kLOG_THRESHOLD

KERNEL infogain_costs(int rows, IN(T) x, IN(LABEL) labels, IN(T) h, OUT(T) p, OUT(A) costs, OUT(A) counts, int length,
                      int inner, int has_ignore, int ignore) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = row_start(row, length, inner);
    A given = A(labels[row]), cost = 0;
    bool ignored = has_ignore && given == A(ignore);
    bool allowed = given >= 0 && given < A(length) && given == floor(given), counted = allowed && !ignored;
    const T* prices = h + (counted ? (long long)given * length : 0);
    RowStatistics of = row_statistics(x + start, length, inner, lane);
    A scale = A(1) / of.sum;
    for (int k = lane; k < length; k += WARP) {
        long long at = start + (long long)k * inner;
        A q = exp(A(x[at]) - of.largest) * scale;
        p[at] = T(q);
        if (counted) cost -= A(prices[k]) * log(q > LEAST_PROBABILITY || q != q ? q : LEAST_PROBABILITY);
    }
    cost = warp_all<Sum>(cost);
    if (lane) return;
    costs[row] = ignored || allowed ? cost : A(NAN);
    counts[row] = ignored ? A(0) : A(1);
}

KERNEL infogain_gradient(int rows, IN(T) p, IN(LABEL) labels, IN(T) h, IN(LOSS) weight, IN(A) normalizer, OUT(T) dx,
                         int length, int inner, int has_ignore, int ignore) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = row_start(row, length, inner);
    A given = A(labels[row]), sum = 0;
    bool counted = given >= 0 && given < A(length) && !(has_ignore && given == A(ignore));
    const T* prices = h + (counted ? (long long)given * length : 0);
    for (int k = lane; k < length; k += WARP) sum += A(prices[k]);
    sum = warp_all<Sum>(sum);
    A scale = counted ? A(weight[0]) / normalizer[0] : A(0);
    for (int k = lane; k < length; k += WARP) {
        long long at = start + (long long)k * inner;
        dx[at] = T((A(p[at]) * sum - A(prices[k])) * scale);
    }
}
