// Stochastic pooling of images in NHWC order: windows without padding, cut off at the lower and right edge.
//
// Window: see window.cuh. PLACE: as in pooling.cu, whose max_backward also serves what was drawn.

typedef Channels<T> Values;
typedef Channels<A> Sums;
typedef Channels<PLACE> Places;

// The window's sum, row by row.
__device__ __forceinline__ void add_up(const Values* corner, int rows, int columns, int width, int channels, A* total) {
    for (int v = 0; v < VEC; v++) total[v] = 0;
    for (int a = 0; a < rows; a++)
        for (int b = 0; b < columns; b++) {
            Values here = corner[(a * width + b) * channels];
            for (int v = 0; v < VEC; v++) total[v] += A(here.at[v]);
        }
}

// Of each window the first value at which the running sum reaches its share `uniform` of the whole.
KERNEL draw_forward(IN(T) x, IN(float) uniform, OUT(T) y, OUT(PLACE) places, int height, int width, int top_height,
                    int top_width, int channels, int kh, int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / top_height, top = (blockIdx.x - n * top_height) * window.sh;
    const Values* image = reinterpret_cast<const Values*>(x) + n * height * width * channels + c;
    for (int j = threadIdx.y; j < top_width; j += blockDim.y) {
        int left = j * window.sw, rows = min(window.kh, height - top), columns = min(window.kw, width - left);
        int at = (blockIdx.x * top_width + j) * channels + c;
        const Values* corner = image + (top * width + left) * channels;
        A threshold[VEC], running[VEC], drawn[VEC];
        int place[VEC];
        add_up(corner, rows, columns, width, channels, threshold);
        Channels<float> share = reinterpret_cast<const Channels<float>*>(uniform)[at];
        for (int v = 0; v < VEC; v++) {
            drawn[v] = threshold[v] == threshold[v] ? A(0) : threshold[v];  // NaN stays
            threshold[v] *= A(share.at[v]);
            running[v] = 0, place[v] = -1;
        }
        for (int a = 0; a < rows; a++)
            for (int b = 0; b < columns; b++) {
                Values here = corner[(a * width + b) * channels];
                for (int v = 0; v < VEC; v++) {
                    running[v] += A(here.at[v]);
                    if (place[v] < 0 && running[v] >= threshold[v])
                        place[v] = a * window.kw + b, drawn[v] = A(here.at[v]);
                }
            }
        Values out;
        Places chosen;
        for (int v = 0; v < VEC; v++) out.at[v] = T(drawn[v]), chosen.at[v] = (PLACE)place[v];
        reinterpret_cast<Values*>(y)[at] = out;
        reinterpret_cast<Places*>(places)[at] = chosen;
    }
}

// y = sum x^2 / sum x; 1 / sum x and y are kept for backward, both 0 where the sum is not positive.
KERNEL mean_forward(IN(T) x, OUT(T) y, OUT(A) inverses, OUT(A) means, int height, int width, int top_height,
                    int top_width, int channels, int kh, int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / top_height, top = (blockIdx.x - n * top_height) * window.sh;
    const Values* image = reinterpret_cast<const Values*>(x) + n * height * width * channels + c;
    for (int j = threadIdx.y; j < top_width; j += blockDim.y) {
        int left = j * window.sw, at = (blockIdx.x * top_width + j) * channels + c;
        A total[VEC], squares[VEC];
        for (int v = 0; v < VEC; v++) total[v] = squares[v] = 0;
        for (int a = 0; a < window.kh && top + a < height; a++)
            for (int b = 0; b < window.kw && left + b < width; b++) {
                Values here = image[((top + a) * width + left + b) * channels];
                for (int v = 0; v < VEC; v++) {
                    A value = here.at[v];
                    total[v] += value, squares[v] += value * value;
                }
            }
        Sums inverse, mean;
        Values out;
        for (int v = 0; v < VEC; v++) {
            inverse.at[v] = total[v] <= 0 ? A(0) : A(1) / total[v];
            mean.at[v] = total[v] <= 0 ? A(0) : squares[v] / total[v];
            out.at[v] = T(mean.at[v]);
        }
        reinterpret_cast<Values*>(y)[at] = out;
        reinterpret_cast<Sums*>(inverses)[at] = inverse;
        reinterpret_cast<Sums*>(means)[at] = mean;
    }
}

// dx = the sum over windows of dy (2 x - y) / sum x.
KERNEL mean_backward(IN(T) x, IN(T) dy, IN(A) inverses, IN(A) means, OUT(T) dx, int height, int width, int top_height,
                     int top_width, int channels, int kh, int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / height, h = blockIdx.x - n * height;
    for (int w = threadIdx.y; w < width; w += blockDim.y) {
        int pixel = (blockIdx.x * width + w) * channels + c;
        Values here = reinterpret_cast<const Values*>(x)[pixel], out;
        A sum[VEC];
        for (int v = 0; v < VEC; v++) sum[v] = 0;
        for (int a = 0; a < window.overlap_h(); a++) {
            int i = h / window.sh - a;
            if (i < 0 || i >= top_height || h - i * window.sh >= window.kh) continue;
            for (int b = 0; b < window.overlap_w(); b++) {
                int j = w / window.sw - b;
                if (j < 0 || j >= top_width || w - j * window.sw >= window.kw) continue;
                int at = ((n * top_height + i) * top_width + j) * channels + c;
                Values gradient = reinterpret_cast<const Values*>(dy)[at];
                Sums inverse = reinterpret_cast<const Sums*>(inverses)[at];
                Sums mean = reinterpret_cast<const Sums*>(means)[at];
                for (int v = 0; v < VEC; v++)
                    sum[v] += A(gradient.at[v]) * inverse.at[v] * (2 * A(here.at[v]) - mean.at[v]);
            }
        }
        for (int v = 0; v < VEC; v++) out.at[v] = T(sum[v]);
        reinterpret_cast<Values*>(dx)[pixel] = out;
    }
}
