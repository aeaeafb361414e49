// Squared differences. A block sums its share of the values, in an order that is the same in every run.

KERNEL squared_differences(int n, IN(T) a, IN(T) b, OUT(T) difference, OUT(A) costs, OUT(A) counts) {
    A sum = 0;
    for (EACH(i, n)) {
        A d = A(a[i]) - A(b[i]);
        difference[i] = T(d);
        sum += d * d;
    }
    sum = block_all<Sum>(sum);
    if (threadIdx.x == 0) costs[blockIdx.x] = sum / 2, counts[blockIdx.x] = 0;
}

// sign: 1 for a's gradient, -1 for b's.
KERNEL difference_scaled(int n, IN(T) difference, IN(LOSS) weight, OUT(T) da, A sign, A batch) {
    A scale = sign * A(weight[0]) / batch;
    for (EACH(i, n)) da[i] = T(scale * A(difference[i]));
}
