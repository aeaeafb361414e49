// Whether a label's score is among the best of its position. Value k of position (o, i) lies at
// (o * length + k) * inner + i; a warp takes a position. A label outside [0, length) that is not to be ignored, or no
// whole number, makes the result NaN.

// rights: 1 or 0. counts: 0 where the label is ignored. least: how many scores must be below the label's; nothing is
// below NaN.
KERNEL rank_labels(int rows, IN(T) x, IN(LABEL) labels, OUT(A) rights, OUT(A) counts, int length, int inner, int least,
                   int has_ignore, int ignore) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    A given = A(labels[row]);
    bool ignored = has_ignore && given == A(ignore);
    bool allowed = given >= 0 && given < A(length) && given == floor(given);
    int below = 0;
    if (!ignored && allowed) {
        long long start = (long long)(row / inner) * length * inner + row % inner;
        A own = A(x[start + (long long)given * inner]);
        for (int k = lane; k < length; k += WARP) below += A(x[start + (long long)k * inner]) < own;
    }
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        below += __shfl_xor_sync(ALL_LANES, below, distance);
    if (lane) return;
    rights[row] = ignored ? A(0) : !allowed ? A(NAN) : A(below >= least);
    counts[row] = ignored ? A(0) : A(1);
}

// The share of each class, 0 for one that does not occur; a block per class looks at all labels.
KERNEL rank_classes(int rows, IN(LABEL) labels, IN(A) rights, IN(A) counts, OUT(LOSS) shares) {
    A right = 0, seen = 0;
    for (int row = threadIdx.x; row < rows; row += blockDim.x) {
        if (counts[row] == 0 || A(labels[row]) != A(blockIdx.x)) continue;
        right += rights[row], seen += 1;
    }
    right = block_all<Sum>(right), seen = block_all<Sum>(seen);
    if (threadIdx.x == 0) shares[blockIdx.x] = LOSS(right / (seen > 0 ? seen : A(1)));
}
