// Local response normalisation of images in NHWC order. WINDOW: its length, odd. POWER: 75 and 50 for beta = 0.75 and
// 0.5, which square roots serve; otherwise 0.

typedef Channels<T> Values;
typedef Channels<A> Sums;

constexpr int HALF = WINDOW / 2;
// How far loops over a window unroll: all of it in any usual size, so that its values stay in registers.
constexpr int UNROLL = WINDOW <= 15 ? 64 : 1;

__device__ __forceinline__ float inverse_root(float s) { return rsqrtf(s); }
__device__ __forceinline__ double inverse_root(double s) { return rsqrt(s); }

// s^-beta
__device__ __forceinline__ A power(A s, A beta) {
    if (POWER == 0) return pow(s, -beta);
    A root = inverse_root(s);
    return POWER == 50 ? root : root * root * inverse_root(root);
}

// The values of `SIDE` units on either side of unit c and its own; 0 outside the channels.
template <int SIDE>
__device__ __forceinline__ void load_around(const Values* pixel, int c, int channels, A* values) {
#pragma unroll UNROLL
    for (int u = -SIDE; u <= SIDE; u++) {
        bool inside = c + u >= 0 && c + u < channels;
        Values here = {};
        if (inside) here = pixel[c + u];
        for (int v = 0; v < VEC; v++) values[(u + SIDE) * VEC + v] = inside ? A(here.at[v]) : A(0);
    }
}

// Across channels a thread has VEC channels of a pixel and reads those around them, which its neighbours read too and
// the cache holds. Backward computes s again from x: that costs less than writing it to memory and reading it back.
KERNEL across_forward(int n, IN(T) x, OUT(T) y, int channels, A rate, A k, A beta) {
    constexpr int SIDE = (HALF + VEC - 1) / VEC, START = SIDE * VEC;
    for (EACH(i, n)) {
        int c = i % channels;
        A values[(2 * SIDE + 1) * VEC];
        load_around<SIDE>(reinterpret_cast<const Values*>(x) + (i - c), c, channels, values);
        Values out;
#pragma unroll UNROLL
        for (int v = 0; v < VEC; v++) {
            A squares = 0;
#pragma unroll UNROLL
            for (int d = -HALF; d <= HALF; d++) squares += values[START + v + d] * values[START + v + d];
            out.at[v] = T(values[START + v] * power(k + rate * squares, beta));
        }
        reinterpret_cast<Values*>(y)[i] = out;
    }
}

// dx = dy s^-beta - factor x (the sum of dy x s^-beta / s over the window), factor = 2 beta rate
KERNEL across_backward(int n, IN(T) x, IN(T) dy, OUT(T) dx, int channels, A rate, A k, A beta, A factor) {
    constexpr int SIDE = (HALF + VEC - 1) / VEC, START = SIDE * VEC;
    constexpr int FAR_SIDE = (2 * HALF + VEC - 1) / VEC, FAR_START = FAR_SIDE * VEC;
    for (EACH(i, n)) {
        int c = i % channels;
        A values[(2 * FAR_SIDE + 1) * VEC], gradients[(2 * SIDE + 1) * VEC];
        load_around<FAR_SIDE>(reinterpret_cast<const Values*>(x) + (i - c), c, channels, values);
        load_around<SIDE>(reinterpret_cast<const Values*>(dy) + (i - c), c, channels, gradients);
        A shares[VEC + 2 * HALF], own[VEC];
#pragma unroll UNROLL
        for (int p = 0; p < VEC + 2 * HALF; p++) {
            int v = p - HALF;
            A squares = 0;
#pragma unroll UNROLL
            for (int d = -HALF; d <= HALF; d++) squares += values[FAR_START + v + d] * values[FAR_START + v + d];
            A s = k + rate * squares, scaled = gradients[START + v] * power(s, beta);
            bool inside = c * VEC + v >= 0 && c * VEC + v < channels * VEC;
            shares[p] = inside ? scaled * values[FAR_START + v] / s : A(0);
            if (v >= 0 && v < VEC) own[v] = scaled;
        }
        Values out;
#pragma unroll UNROLL
        for (int v = 0; v < VEC; v++) {
            A sum = 0;
#pragma unroll UNROLL
            for (int d = 0; d < WINDOW; d++) sum += shares[v + d];
            out.at[v] = T(own[v] - factor * values[FAR_START + v] * sum);
        }
        reinterpret_cast<Values*>(dx)[i] = out;
    }
}

// Within a channel s is kept: backward would need the squares of a window of twice the size.
KERNEL within_forward(IN(T) x, OUT(T) y, OUT(A) scales, int height, int width, int channels, A rate, A k, A beta) {
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / height, h = blockIdx.x - n * height;
    const Values* image = reinterpret_cast<const Values*>(x) + n * height * width * channels + c;
    for (int w = threadIdx.y; w < width; w += blockDim.y) {
        A squares[VEC];
        for (int v = 0; v < VEC; v++) squares[v] = 0;
        for (int a = max(h - HALF, 0); a <= min(h + HALF, height - 1); a++)
            for (int b = max(w - HALF, 0); b <= min(w + HALF, width - 1); b++) {
                Values here = image[(a * width + b) * channels];
                for (int v = 0; v < VEC; v++) squares[v] += A(here.at[v]) * A(here.at[v]);
            }
        int at = (blockIdx.x * width + w) * channels + c;
        Values own = reinterpret_cast<const Values*>(x)[at], out;
        Sums s;
        for (int v = 0; v < VEC; v++) {
            s.at[v] = k + rate * squares[v];
            out.at[v] = T(A(own.at[v]) * power(s.at[v], beta));
        }
        reinterpret_cast<Values*>(y)[at] = out;
        reinterpret_cast<Sums*>(scales)[at] = s;
    }
}

KERNEL within_backward(IN(T) x, IN(T) y, IN(A) scales, IN(T) dy, OUT(T) dx, int height, int width, int channels, A beta,
                       A factor) {
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / height, h = blockIdx.x - n * height;
    for (int w = threadIdx.y; w < width; w += blockDim.y) {
        A sum[VEC];
        for (int v = 0; v < VEC; v++) sum[v] = 0;
        for (int a = max(h - HALF, 0); a <= min(h + HALF, height - 1); a++)
            for (int b = max(w - HALF, 0); b <= min(w + HALF, width - 1); b++) {
                int at = ((n * height + a) * width + b) * channels + c;
                Values gradient = reinterpret_cast<const Values*>(dy)[at], top = reinterpret_cast<const Values*>(y)[at];
                Sums s = reinterpret_cast<const Sums*>(scales)[at];
                for (int v = 0; v < VEC; v++) sum[v] += A(gradient.at[v]) * A(top.at[v]) / s.at[v];
            }
        int at = (blockIdx.x * width + w) * channels + c;
        Values gradient = reinterpret_cast<const Values*>(dy)[at], bottom = reinterpret_cast<const Values*>(x)[at], out;
        Sums s = reinterpret_cast<const Sums*>(scales)[at];
        for (int v = 0; v < VEC; v++)
            out.at[v] = T(A(gradient.at[v]) * power(s.at[v], beta) - factor * A(bottom.at[v]) * sum[v]);
        reinterpret_cast<Values*>(dx)[at] = out;
    }
}
