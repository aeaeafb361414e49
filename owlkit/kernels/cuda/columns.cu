// What a convolution's window sees, as rows of a matrix, and the sums back; images in NHWC order.
//
// columns: (groups, images * out_height * out_width, depth); depth runs over the window's places and the channels of
// the group: `place_step` and `channel_step` say how. A block does one row of pixels; channels count in units of VEC.

typedef Channels<T> Values;

// x runs over (column of the window, channels), so that with stride 1 whole runs are copied; blockIdx.y: its row.
KERNEL gather_columns(IN(T) x, OUT(T) columns, int first, int height, int width, int channels, int out_height,
                      int out_width, int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h, int pad_w,
                      int dilation_h, int dilation_w, int group_channels, int group_step, int channel_step,
                      int place_step, int depth) {
    int item = blockIdx.z * blockDim.x + threadIdx.x;
    if (item >= kernel_w * channels) return;
    int b = item / channels, c = item - b * channels, group = c / group_channels;
    int image = blockIdx.x / out_height, i = blockIdx.x - image * out_height;
    int h = i * stride_h - pad_h + (int)blockIdx.y * dilation_h;
    const Values* row = reinterpret_cast<const Values*>(x) + ((first + image) * height + h) * width * channels + c;
    T* target = columns + group * group_step + (c - group * group_channels) * channel_step +
                (blockIdx.y * kernel_w + b) * place_step + blockIdx.x * out_width * depth;
    for (int j = threadIdx.y; j < out_width; j += blockDim.y) {
        int w = j * stride_w - pad_w + b * dilation_w;
        Values here;
        if (h >= 0 && h < height && w >= 0 && w < width)
            here = row[w * channels];
        else
            for (int v = 0; v < VEC; v++) here.at[v] = T(0.0f);
        *reinterpret_cast<Values*>(target + j * depth) = here;
    }
}

// A pixel gathers from all windows that see it: no atomics, the same sum in every run.
KERNEL scatter_columns(IN(T) columns, OUT(T) dx, int first, int height, int width, int channels, int out_height,
                       int out_width, int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h, int pad_w,
                       int dilation_h, int dilation_w, int group_channels, int group_step, int channel_step,
                       int place_step, int depth) {
    int c = CHANNELS;
    if (c >= channels) return;
    int image = blockIdx.x / height, h = blockIdx.x - image * height + pad_h, group = c / group_channels;
    const T* source = columns + group * group_step + (c - group * group_channels) * channel_step;
    for (int column = threadIdx.y; column < width; column += blockDim.y) {
        A sum[VEC];
        for (int v = 0; v < VEC; v++) sum[v] = 0;
        for (int a = 0; a < kernel_h; a++) {
            int down = h - a * dilation_h, i = down / stride_h;
            if (down < 0 || i * stride_h != down || i >= out_height) continue;
            for (int b = 0; b < kernel_w; b++) {
                int across = column + pad_w - b * dilation_w, j = across / stride_w;
                if (across < 0 || j * stride_w != across || j >= out_width) continue;
                int pixel = (image * out_height + i) * out_width + j;
                const T* at = source + pixel * depth + (a * kernel_w + b) * place_step;
                Values here = *reinterpret_cast<const Values*>(at);
                for (int v = 0; v < VEC; v++) sum[v] += A(here.at[v]);
            }
        }
        Values out;
        for (int v = 0; v < VEC; v++) out.at[v] = T(sum[v]);
        int pixel = (first * height + (int)blockIdx.x) * width + column;
        reinterpret_cast<Values*>(dx)[pixel * channels + c] = out;
    }
}
