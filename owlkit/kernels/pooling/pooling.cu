// Windows of images in NHWC order. A block does one row; x runs over channels, VEC at a time, y over columns.
//
// Window: see window.cuh. PLACE: the type in which a window's maximum is remembered, as its number in the window, row
// by row: a byte where it fits, which is all that backward reads of it.

typedef Channels<T> Values;
typedef Channels<PLACE> Places;

#define LOWEST A(-3.4028234663852886e+38)  // -FLT_MAX, also in double (Caffe)

// The part of a window that Caffe counts along an axis: with padding, without what hangs over beyond it.
__device__ __forceinline__ int counted(int start, int kernel, int size, int pad) {
    return max(min(start + kernel, size + pad) - start, 1);
}

__device__ __forceinline__ A share_of(const Window& window, int i, int j, int height, int width) {
    int rows = counted(i * window.sh - window.ph, window.kh, height, window.ph);
    return A(1) / (rows * counted(j * window.sw - window.pw, window.kw, width, window.pw));
}

// places and indices may be absent. indices are not rounded to half precision, which has no number for each pixel.
KERNEL max_forward(IN(T) x, OUT(T) y, OUT(PLACE) places, OUT(A) indices, int height, int width, int top_height,
                   int top_width, int channels, int kh, int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / top_height, top = (blockIdx.x - n * top_height) * window.sh - window.ph;
    const Values* image = reinterpret_cast<const Values*>(x) + n * height * width * channels + c;
    for (int j = threadIdx.y; j < top_width; j += blockDim.y) {
        int left = j * window.sw - window.pw, at = (blockIdx.x * top_width + j) * channels + c;
        A best[VEC];
        int place[VEC];
        for (int v = 0; v < VEC; v++) best[v] = LOWEST, place[v] = -1;
#pragma unroll ROWS
        for (int a = 0; a < window.kh; a++) {
            int h = top + a;
            if (h < 0 || h >= height) continue;
#pragma unroll COLUMNS
            for (int b = 0; b < window.kw; b++) {
                int w = left + b;
                if (w < 0 || w >= width) continue;
                Values here = image[(h * width + w) * channels];
                for (int v = 0; v < VEC; v++) {
                    A value = here.at[v];
                    if (value > best[v]) best[v] = value, place[v] = a * window.kw + b;  // of equals, the first
                }
            }
        }
        Values found;
        for (int v = 0; v < VEC; v++) found.at[v] = T(best[v]);
        reinterpret_cast<Values*>(y)[at] = found;
        if (places) {
            Places chosen;
            for (int v = 0; v < VEC; v++) chosen.at[v] = (PLACE)place[v];
            reinterpret_cast<Places*>(places)[at] = chosen;
        }
        if (indices) {
            Channels<A> index;
            for (int v = 0; v < VEC; v++)
                index.at[v] = A(place[v] < 0 ? -1 : (top + place[v] / window.kw) * width + left + place[v] % window.kw);
            reinterpret_cast<Channels<A>*>(indices)[at] = index;
        }
    }
}

KERNEL ave_forward(IN(T) x, OUT(T) y, int height, int width, int top_height, int top_width, int channels, int kh,
                   int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / top_height, i = blockIdx.x - n * top_height, top = i * window.sh - window.ph;
    const Values* image = reinterpret_cast<const Values*>(x) + n * height * width * channels + c;
    for (int j = threadIdx.y; j < top_width; j += blockDim.y) {
        int left = j * window.sw - window.pw;
        A sum[VEC];
        for (int v = 0; v < VEC; v++) sum[v] = 0;
#pragma unroll ROWS
        for (int a = 0; a < window.kh; a++) {
            int h = top + a;
            if (h < 0 || h >= height) continue;
#pragma unroll COLUMNS
            for (int b = 0; b < window.kw; b++) {
                int w = left + b;
                if (w < 0 || w >= width) continue;
                Values here = image[(h * width + w) * channels];
                for (int v = 0; v < VEC; v++) sum[v] += A(here.at[v]);
            }
        }
        A share = share_of(window, i, j, height, width);
        Values mean;
        for (int v = 0; v < VEC; v++) mean.at[v] = T(sum[v] * share);
        reinterpret_cast<Values*>(y)[(blockIdx.x * top_width + j) * channels + c] = mean;
    }
}

// A pixel gathers from the windows that it lies in: no atomics, the same sum in every run. gains.add(sum, at, place, i, j)
// adds what window (i, j), number `at` of the output, gives to the pixel at its `place`.
template <class Gains>
__device__ __forceinline__ void gather(const Window& window, const Gains& gains, T* dx, int height, int width,
                                       int top_height, int top_width, int channels) {
    int c = CHANNELS;
    if (c >= channels) return;
    int n = blockIdx.x / height, h = blockIdx.x - n * height + window.ph;
    for (int column = threadIdx.y; column < width; column += blockDim.y) {
        int w = column + window.pw;
        A sum[VEC];
        for (int v = 0; v < VEC; v++) sum[v] = 0;
#pragma unroll OVER_ROWS
        for (int a = 0; a < window.overlap_h(); a++) {
            int i = h / window.sh - a, in_h = h - i * window.sh;
            if (i < 0 || i >= top_height || in_h >= window.kh) continue;
#pragma unroll OVER_COLUMNS
            for (int b = 0; b < window.overlap_w(); b++) {
                int j = w / window.sw - b, in_w = w - j * window.sw;
                if (j < 0 || j >= top_width || in_w >= window.kw) continue;
                gains.add(sum, ((n * top_height + i) * top_width + j) * channels + c, in_h * window.kw + in_w, i, j);
            }
        }
        Values out;
        for (int v = 0; v < VEC; v++) out.at[v] = T(sum[v]);
        reinterpret_cast<Values*>(dx)[(blockIdx.x * width + column) * channels + c] = out;
    }
}

// The gradient goes to the place that the window has chosen.
struct OfChosen {
    const T* dy;
    const PLACE* places;

    __device__ __forceinline__ void add(A* sum, int at, int place, int, int) const {
        Values gradient = reinterpret_cast<const Values*>(dy)[at];
        Places chosen = reinterpret_cast<const Places*>(places)[at];
        for (int v = 0; v < VEC; v++)
            if (chosen.at[v] == (PLACE)place) sum[v] += A(gradient.at[v]);
    }
};

// It is shared by all places.
struct OfMeans {
    Window window;
    const T* dy;
    int height, width;

    __device__ __forceinline__ void add(A* sum, int at, int, int i, int j) const {
        Values gradient = reinterpret_cast<const Values*>(dy)[at];
        A share = share_of(window, i, j, height, width);
        for (int v = 0; v < VEC; v++) sum[v] += A(gradient.at[v]) * share;
    }
};

KERNEL max_backward(IN(T) dy, IN(PLACE) places, OUT(T) dx, int height, int width, int top_height, int top_width,
                    int channels, int kh, int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    gather(window, OfChosen{dy, places}, dx, height, width, top_height, top_width, channels);
}

KERNEL ave_backward(IN(T) dy, OUT(T) dx, int height, int width, int top_height, int top_width, int channels, int kh,
                    int kw, int sh, int sw, int ph, int pw) {
    const Window window(kh, kw, sh, sw, ph, pw);
    gather(window, OfMeans{window, dy, height, width}, dx, height, width, top_height, top_width, channels);
}
