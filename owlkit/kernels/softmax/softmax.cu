// Softmax along one axis. Where its values are neighbours (inner = 1) a warp takes a row, otherwise a thread does,
// such that neighbouring threads read neighbouring values. x and y, dy and dx may be the same memory.

KERNEL softmax_rows(int rows, IN(T) x, OUT(T) y, int length) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = (long long)row * length;
    RowStatistics of = row_statistics(x + start, length, 1, lane);
    A scale = A(1) / of.sum;
    for (int k = lane; k < length; k += WARP) y[start + k] = T(exp(A(x[start + k]) - of.largest) * scale);
}

KERNEL softmax_rows_backward(int rows, IN(T) y, IN(T) dy, OUT(T) dx, int length) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    long long start = (long long)row * length;
    A dot = 0;
    for (int k = lane; k < length; k += WARP) dot += A(y[start + k]) * A(dy[start + k]);
    dot = warp_all<Sum>(dot);
    for (int k = lane; k < length; k += WARP)
        dx[start + k] = T(A(y[start + k]) * (A(dy[start + k]) - dot));
}

// n: rows = outer * inner; value k of row (o, i) lies at (o * length + k) * inner + i.
KERNEL softmax_strided(int n, IN(T) x, OUT(T) y, int length, int inner) {
    for (EACH(i, n)) {
        long long start = (long long)(i / inner) * length * inner + i % inner;
        A largest = Largest::neutral(), sum = 0;
        for (int k = 0; k < length; k++) largest = Largest::of(largest, A(x[start + (long long)k * inner]));
        for (int k = 0; k < length; k++) sum += exp(A(x[start + (long long)k * inner]) - largest);
        A scale = A(1) / sum;
        for (int k = 0; k < length; k++) {
            long long at = start + (long long)k * inner;
            y[at] = T(exp(A(x[at]) - largest) * scale);
        }
    }
}

KERNEL softmax_strided_backward(int n, IN(T) y, IN(T) dy, OUT(T) dx, int length, int inner) {
    for (EACH(i, n)) {
        long long start = (long long)(i / inner) * length * inner + i % inner;
        A dot = 0;
        for (int k = 0; k < length; k++) {
            long long at = start + (long long)k * inner;
            dot += A(y[at]) * A(dy[at]);
        }
        for (int k = 0; k < length; k++) {
            long long at = start + (long long)k * inner;
            dx[at] = T(A(y[at]) * (A(dy[at]) - dot));
        }
    }
}
