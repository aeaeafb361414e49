// Softmax and the loss of one label per row; a warp takes a row.
// A label outside [0, length) that is not to be ignored, or no whole number, makes the loss NaN.

#define FLT_MIN_PROBABILITY A(1.17549435e-38)  // Caffe's: a probability of 0 costs 87, not infinity

KERNEL loss_rows(int rows, IN(T) x, IN(LABEL) labels, OUT(T) p, OUT(A) losses, OUT(A) counts, int length,
                 int inner, int has_ignore, int ignore) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = row_start(row, length, inner);
    RowStatistics of = row_statistics(x + start, length, inner, lane);
    A scale = A(1) / of.sum;
    for (int k = lane; k < length; k += WARP) {
        long long at = start + (long long)k * inner;
        p[at] = T(exp(A(x[at]) - of.largest) * scale);
    }
    if (lane) return;
    A given = A(labels[row]);
    bool ignored = has_ignore && given == A(ignore);
    bool allowed = given >= 0 && given < A(length) && given == floor(given);
    A loss = 0;
    if (!ignored && allowed) {
        A probability = exp(A(x[start + (long long)given * inner]) - of.largest) * scale;
        loss = -log(probability > FLT_MIN_PROBABILITY || probability != probability ? probability
                                                                                    : FLT_MIN_PROBABILITY);
    }
    losses[row] = ignored || allowed ? loss : A(NAN);
    counts[row] = ignored ? A(0) : A(1);
}

KERNEL loss_backward(int rows, IN(T) p, IN(LABEL) labels, IN(LOSS) weight, IN(A) normalizer, OUT(T) dx, int length,
                     int inner, int has_ignore, int ignore) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = row_start(row, length, inner);
    A given = A(labels[row]);
    A scale = has_ignore && given == A(ignore) ? A(0) : A(weight[0]) / normalizer[0];
    // (p - 1) * scale, not p * scale - scale: exact where p is close to 1.
    for (int k = lane; k < length; k += WARP) {
        long long at = start + (long long)k * inner;
        dx[at] = T((A(p[at]) - (A(k) == given ? A(1) : A(0))) * scale);
    }
}
