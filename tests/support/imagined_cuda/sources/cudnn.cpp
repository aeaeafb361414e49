// A convolution's three calls as one plan of cuDNN's carries them out, with bias and ReLU; queued like a kernel.
#include "imagined.h"
#include "numbers.h"

namespace imagined {

constexpr int MOST_AXES = 5;

// As tests/support/imagined_cuda/cudnn_front_end.py fills it. dims : (N, C, *spatial), steps : in values.
struct Tensor {
    void* values;
    int kind;  // cudaDataType
    long long dims[MOST_AXES], steps[MOST_AXES];
};
enum Call { FPROP, DGRAD, WGRAD };
// first, second : x and w, dy and w, or x and dy. bias : (1, M, 1, ...), where its `values` are not null.
struct Convolution {
    int call, axes, relu;
    long long pad[3], stride[3], dilation[3];
    Tensor first, second, result, bias;
    void* workspace;
    size_t workspace_bytes;
};

namespace {
long long product(const long long* numbers, int count) {
    long long all = 1;
    for (int i = 0; i < count; i++) all *= numbers[i];
    return all;
}

long long place(const Tensor& tensor, int axes, long long index) {
    long long found = 0;
    for (int axis = axes - 1; axis >= 0; axis--) {
        found += index % tensor.dims[axis] * tensor.steps[axis];
        index /= tensor.dims[axis];
    }
    return found;
}

// In C order, as double.
std::vector<double> unpacked(const Tensor& tensor, int axes) {
    std::vector<double> found(product(tensor.dims, axes));
    for (size_t i = 0; i < found.size(); i++)
        found[i] = get(tensor.values, place(tensor, axes, i), (cudaDataType)tensor.kind);
    return found;
}

// For each pixel and each place of the window the pixel of the image that lies under it; -1 in the padding.
std::vector<long long> pixels_under(const Convolution& c, const Tensor& x, const Tensor& w, const Tensor& y) {
    int spatial = c.axes - 2;
    const long long *image = x.dims + 2, *window = w.dims + 2, *out = y.dims + 2;
    long long places = product(window, spatial), count = product(out, spatial);
    std::vector<long long> found(count * places);
    for (long long i = 0; i < count * places; i++) {
        long long pixel = i / places, in_window = i % places, under = 0, size = 1;
        for (int axis = spatial - 1; axis >= 0; axis--) {
            long long at = pixel % out[axis] * c.stride[axis] - c.pad[axis] + in_window % window[axis] * c.dilation[axis];
            under = under < 0 || at < 0 || at >= image[axis] ? -1 : under + at * size;
            size *= image[axis], pixel /= out[axis], in_window /= window[axis];
        }
        found[i] = under;
    }
    return found;
}

struct Sizes {
    long long images, groups, inputs, outputs, places, pixels, area;  // inputs, outputs : channels of a group
};

// One image and group: `columns` are (pixels, inputs, places) of x, to be filled or to be added.
template <class Visit> void each_column(const Sizes& s, const std::vector<long long>& under, Visit visit) {
    for (long long pixel = 0; pixel < s.pixels; pixel++)
        for (long long channel = 0; channel < s.inputs; channel++)
            for (long long p = 0; p < s.places; p++) {
                long long from = under[pixel * s.places + p];
                if (from >= 0) visit((pixel * s.inputs + channel) * s.places + p, channel * s.area + from);
            }
}

std::vector<double> turned(const double* values, size_t rows, size_t columns) {
    std::vector<double> found(rows * columns);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) found[column * rows + row] = values[row * columns + column];
    return found;
}

// What the call computes, of values x, w and y in C order; one of them is the result, 0 at first.
void convolve(int call, const Sizes& s, const std::vector<long long>& under, double* x, double* w, double* y) {
    size_t depth = s.inputs * s.places;
    std::vector<double> columns(s.pixels * depth);
    for (long long i = 0; i < s.images * s.groups; i++) {
        double *image = x + i * s.inputs * s.area, *out = y + i * s.outputs * s.pixels;
        double* filters = w + i % s.groups * s.outputs * depth;
        std::fill(columns.begin(), columns.end(), 0);
        if (call != DGRAD) each_column(s, under, [&](size_t to, size_t from) { columns[to] = image[from]; });
        if (call == FPROP) add_product(filters, columns.data(), out, s.outputs, s.pixels, depth);
        if (call == WGRAD) {
            auto by_depth = turned(columns.data(), s.pixels, depth);
            add_product(out, by_depth.data(), filters, s.outputs, depth, s.pixels);
        }
        if (call != DGRAD) continue;
        auto by_pixel = turned(out, s.outputs, s.pixels), by_depth = turned(filters, s.outputs, depth);
        add_product(by_pixel.data(), by_depth.data(), columns.data(), s.pixels, depth, s.outputs);
        each_column(s, under, [&](size_t from, size_t to) { image[to] += columns[from]; });
    }
}

void finish(const Convolution& c, const std::vector<double>& result) {
    long long channels = c.result.dims[1], pixels = product(c.result.dims + 2, c.axes - 2);
    for (size_t i = 0; i < result.size(); i++) {
        double value = result[i];
        if (c.bias.values)
            value += get(c.bias.values, i / pixels % channels * c.bias.steps[1], (cudaDataType)c.bias.kind);
        if (c.relu && value < 0) value = 0;
        put(c.result.values, place(c.result, c.axes, i), (cudaDataType)c.result.kind, value);
    }
}

void run(const Convolution& c) {
    for (auto* tensor : {&c.first, &c.second, &c.result, &c.bias})
        if (tensor->values && !reachable(tensor->values, 1)) return lose("a convolution outside of a GPU's memory");
    if (c.workspace_bytes && !on_device(c.workspace, c.workspace_bytes)) return lose("a workspace that is too small");
    memset(c.workspace, 0xFF, c.workspace_bytes);  // whoever keeps something there loses it
    const Tensor& x = c.call == DGRAD ? c.result : c.first;
    const Tensor& w = c.call == WGRAD ? c.result : c.second;
    const Tensor& y = c.call == FPROP ? c.result : c.call == DGRAD ? c.first : c.second;
    auto values = [&](const Tensor& t) {
        return &t == &c.result ? std::vector<double>(product(t.dims, c.axes)) : unpacked(t, c.axes);
    };
    auto given_x = values(x), given_w = values(w), given_y = values(y);
    int spatial = c.axes - 2;
    long long groups = x.dims[1] / w.dims[1];
    Sizes s{x.dims[0], groups, w.dims[1], w.dims[0] / groups, product(w.dims + 2, spatial),
            product(y.dims + 2, spatial), product(x.dims + 2, spatial)};
    convolve(c.call, s, pixels_under(c, x, w, y), given_x.data(), given_w.data(), given_y.data());
    finish(c, c.call == FPROP ? given_y : c.call == DGRAD ? given_x : given_w);
}
}  // namespace

EXPORT int imagined_convolution(const Convolution* convolution, cudaStream_t stream) {
    START();
    return enqueue(find(stream), [c = *convolution] { run(c); });
}

}  // namespace imagined
