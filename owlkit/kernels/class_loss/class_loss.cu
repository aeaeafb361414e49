// Losses of one label per image. KIND: 1 hinge, 2 hinge squared, 0 the logarithm of a probability. Classes count in
// Caffe's order; where images lie channels-last, class k is at (k % plane) * channels + k / plane, with
// plane = length / channels; plain ones have channels = 1.

#define LEAST_PROBABILITY A(1e-20)  // Caffe's kLOG_THRESHOLD

__device__ __forceinline__ A margin_of(A x, bool own) {
    A margin = 1 + (own ? -x : x);
    return margin > 0 || margin != margin ? margin : A(0);
}

__device__ __forceinline__ A probability_of(A p) { return p > LEAST_PROBABILITY || p != p ? p : LEAST_PROBABILITY; }

__device__ __forceinline__ int place_of(int label, int length, int channels) {
    int plane = length / channels;
    return label % plane * channels + label / plane;
}

// A warp per image. A label that no class stands for makes the cost NaN.
KERNEL class_costs(int images, IN(T) x, IN(LABEL) labels, OUT(A) costs, OUT(A) counts, int length, int channels) {
    int n = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (n >= images) return;
    long long start = (long long)n * length;
    A given = A(labels[n]), cost = 0;
    bool allowed = given >= 0 && given < A(length) && given == floor(given);
    int own = allowed ? place_of((int)given, length, channels) : -1;
    if (KIND) {
        for (int k = lane; k < length; k += WARP) {
            A margin = margin_of(x[start + k], k == own);
            cost += KIND == 2 ? margin * margin : margin;
        }
        cost = warp_all<Sum>(cost);
    } else if (allowed) {
        cost = -log(probability_of(x[start + own]));
    }
    if (lane) return;
    costs[n] = allowed ? cost : A(NAN);
    counts[n] = 1;
}

KERNEL class_gradient(int n, IN(T) x, IN(LABEL) labels, IN(LOSS) weight, IN(A) normalizer, OUT(T) dx, int length,
                      int channels) {
    A scale = A(weight[0]) / normalizer[0];
    for (EACH(i, n)) {
        int image = i / length, k = i - image * length;
        A given = A(labels[image]), slope = 0;
        bool own = k == (given >= 0 && given < A(length) ? place_of((int)given, length, channels) : -1);
        if (KIND) {
            A margin = margin_of(x[i], own);
            slope = (KIND == 2 ? 2 * margin : margin > 0 ? A(1) : A(0)) * (own ? A(-1) : A(1));
        } else if (own) {
            slope = A(-1) / probability_of(x[i]);
        }
        dx[i] = T(slope * scale);
    }
}
