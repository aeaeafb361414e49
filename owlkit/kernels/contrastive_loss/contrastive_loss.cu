// A loss on the distances of pairs; a warp takes a pair. What the gradient multiplies the difference by is kept.

#define SMALL A(1e-4)  // Caffe's, added to the distance that the gradient divides by

KERNEL pair_costs(int pairs, IN(T) a, IN(T) b, IN(LOSS) s, OUT(T) difference, OUT(A) slopes, OUT(A) costs,
                  OUT(A) counts, int length, A margin) {
    int n = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (n >= pairs) return;
    long long start = (long long)n * length;
    A squared = 0;
    for (int k = lane; k < length; k += WARP) {
        A d = A(a[start + k]) - A(b[start + k]);
        difference[start + k] = T(d);
        squared += d * d;
    }
    squared = warp_all<Sum>(squared);
    if (lane) return;
    A distance = LEGACY ? squared : sqrt(squared), gap = margin - distance;
    gap = gap > 0 || gap != gap ? gap : A(0);
    bool similar = trunc(A(s[n])) != 0;
    A apart = gap > 0 ? (LEGACY ? A(-1) : -gap / (distance + SMALL)) : A(0);
    slopes[n] = similar ? A(1) : apart;
    costs[n] = (similar ? squared : LEGACY ? gap : gap * gap) / 2;
    counts[n] = 1;
}

// sign: 1 for a's gradient, -1 for b's.
KERNEL pair_gradient(int n, IN(T) difference, IN(A) slopes, IN(LOSS) weight, IN(A) normalizer, OUT(T) dx, int length,
                     A sign) {
    A scale = sign * A(weight[0]) / normalizer[0];
    for (EACH(i, n)) dx[i] = T(scale * slopes[i / length] * A(difference[i]));
}
