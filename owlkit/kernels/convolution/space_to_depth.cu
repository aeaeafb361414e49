// A convolution with stride over few channels becomes one without stride over many: each block of STRIDE_H x STRIDE_W
// pixels of x is a pixel with all their values as channels (row of the block, column, channel), zeros up to DEPTH.
//
// blocks: (images, rows, columns, DEPTH). taps: (outputs, taps_h, taps_w, DEPTH), w in blocks likewise.
// SOURCE: the type of x: that of the blocks, or float, from which they are rounded.

#ifndef SOURCE
#define SOURCE T
#endif
#define ACROSS (STRIDE_W * CHANNELS)
#define TAKEN (STRIDE_H * ACROSS)
#define PARTS (DEPTH / Pack<T>::SIZE)

// A block of threads does a row of `blocks`, a thread 16 bytes of it at a time: what is written lies end to end, and
// what is read are STRIDE_H rows of x, each of which is a run in memory, columns and channels alike.
KERNEL gather_blocks(IN(SOURCE) x, OUT(T) blocks, int height, int width, int rows, int columns, int pad_h, int pad_w) {
    int image = blockIdx.x / rows, i = blockIdx.x - image * rows, line = width * CHANNELS;
    const SOURCE* source = x + image * height * line;
    Pack<T>* target = reinterpret_cast<Pack<T>*>(blocks) + blockIdx.x * columns * PARTS;
    for (int q = threadIdx.x; q < columns * PARTS; q += blockDim.x) {
        int j = q / PARTS, first = (q - j * PARTS) * Pack<T>::SIZE;
        Pack<T> found;
#pragma unroll
        for (int v = 0; v < Pack<T>::SIZE; v++) {
            int depth = first + v, row = depth / ACROSS;
            int h = i * STRIDE_H - pad_h + row, at = (j * STRIDE_W - pad_w) * CHANNELS + depth - row * ACROSS;
            bool inside = depth < TAKEN && h >= 0 && h < height && at >= 0 && at < line;
            found.v[v] = inside ? T(source[h * line + at]) : T(0.0f);
        }
        target[q] = found;
    }
}

KERNEL gather_taps(int n, IN(T) w, OUT(T) taps, int kernel_h, int kernel_w, int taps_h, int taps_w, int channel_step,
                   int place_step) {
    for (EACH(i, n)) {
        int tap = i / DEPTH, depth = i - tap * DEPTH, m = tap / (taps_h * taps_w);
        tap -= m * taps_h * taps_w;
        int row = depth / ACROSS, column = (depth - row * ACROSS) / CHANNELS, c = depth % CHANNELS;
        int h = tap / taps_w * STRIDE_H + row, k = tap % taps_w * STRIDE_W + column;
        bool inside = depth < TAKEN && h < kernel_h && k < kernel_w;
        int filter = m * kernel_h * kernel_w * CHANNELS, place = h * kernel_w + k;
        taps[i] = inside ? w[filter + c * channel_step + place * place_step] : T(0.0f);
    }
}

// Where value i of w, counted as if channels were last, lies in w and in its taps.
struct Place {
    int in_w, in_taps;
    __device__ __forceinline__ Place(int i, int kernel_h, int kernel_w, int taps_h, int taps_w, int channel_step,
                                     int place_step) {
        int c = i % CHANNELS, place = i / CHANNELS, m = place / (kernel_h * kernel_w);
        place -= m * kernel_h * kernel_w;
        int h = place / kernel_w, k = place - h * kernel_w;
        int tap = (m * taps_h + h / STRIDE_H) * taps_w + k / STRIDE_W;
        in_w = m * kernel_h * kernel_w * CHANNELS + c * channel_step + place * place_step;
        in_taps = tap * DEPTH + h % STRIDE_H * ACROSS + k % STRIDE_W * CHANNELS + c;
    }
};

KERNEL scatter_taps(int n, IN(T) taps, OUT(T) dw, int kernel_h, int kernel_w, int taps_h, int taps_w, int channel_step,
                    int place_step) {
    for (EACH(i, n)) {
        Place at(i, kernel_h, kernel_w, taps_h, taps_w, channel_step, place_step);
        dw[at.in_w] = taps[at.in_taps];
    }
}

KERNEL add_taps(int n, IN(T) taps, INOUT(T) dw, int kernel_h, int kernel_w, int taps_h, int taps_w, int channel_step,
                int place_step) {
    for (EACH(i, n)) {
        Place at(i, kernel_h, kernel_w, taps_h, taps_w, channel_step, place_step);
        dw[at.in_w] = T(A(dw[at.in_w]) + A(taps[at.in_taps]));
    }
}
