// The sigmoid's cross-entropy. A block sums its share of the values, in an order that is the same in every run.

KERNEL sigmoid_costs(int n, IN(T) x, IN(T) t, OUT(A) costs, OUT(A) counts, int has_ignore, A ignore) {
    A sum = 0, valid = 0;
    for (EACH(i, n)) {
        A v = x[i], target = t[i];
        if (has_ignore && target == ignore) continue;
        sum += (v > 0 ? v : A(0)) - v * target + log1p(exp(v > 0 ? -v : v));
        valid += 1;
    }
    sum = block_all<Sum>(sum), valid = block_all<Sum>(valid);
    if (threadIdx.x == 0) costs[blockIdx.x] = sum, counts[blockIdx.x] = valid;
}

KERNEL sigmoid_gradient(int n, IN(T) x, IN(T) t, IN(LOSS) weight, IN(A) normalizer, OUT(T) dx, int has_ignore,
                        A ignore) {
    A scale = A(weight[0]) / normalizer[0];
    for (EACH(i, n)) {
        A v = x[i], target = t[i], decay = exp(v > 0 ? -v : v);
        A s = (v >= 0 ? A(1) : decay) / (1 + decay);
        dx[i] = T(has_ignore && target == ignore ? A(0) : scale * (s - target));
    }
}
