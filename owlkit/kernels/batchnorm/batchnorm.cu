// Batch normalisation. Values lie as (outer, C, inner); rows are all pairs of outer and inner. Where inner is 1
// (channels-last), a thread takes VEC neighbouring channels with one load. P: the type of statistics and parameters.
//
// Sums over rows are made in two steps of fixed order: each block sums its share of the rows for its channels, then a
// warp per channel puts the blocks' sums together. Both sums are of differences to the channel's first value, so that
// a mean far from zero costs no digits.

struct __align__(sizeof(T) * VEC) Lane { T v[VEC]; };

__device__ __forceinline__ long long place(int row, int channel, int channels, int inner) {
    if (VEC > 1 || inner == 1) return (long long)row * channels + channel;
    return ((long long)(row / inner) * channels + channel) * inner + row % inner;
}

// The channel at which unit i of VEC values begins; in 32 bits, as a division of 64 takes longer than reading the unit.
__device__ __forceinline__ int first_channel(int i, int channels, int inner) {
    return VEC > 1 || inner == 1 ? i % (channels / VEC) * VEC : i / inner % channels;
}

// Of a channel, as the forward pass left it: what backward needs to know of it.
struct Channel { A mean, inverse, factor, shift; };

__device__ __forceinline__ Channel channel_of(const A* kept, int c, int channels) {
    return {kept[c], kept[channels + c], kept[2 * channels + c], kept[3 * channels + c]};
}

// Adds one pair of sums per thread over threadIdx.y and writes it to partial[block][2][C].
__device__ __forceinline__ void write_partial(A (&first)[VEC], A (&second)[VEC], A* partial, int c, int channels) {
    DYNAMIC_SHARED(A, shared);  // [2][VEC][blockDim.y][blockDim.x]
    int threads = blockDim.x * blockDim.y, thread = threadIdx.y * blockDim.x + threadIdx.x;
    for (int v = 0; v < VEC; v++) {
        shared[v * threads + thread] = first[v];
        shared[(VEC + v) * threads + thread] = second[v];
    }
    __syncthreads();
    for (int distance = blockDim.y / 2; distance > 0; distance /= 2) {
        if (threadIdx.y < distance)
            for (int v = 0; v < 2 * VEC; v++)
                shared[v * threads + thread] += shared[v * threads + thread + distance * blockDim.x];
        __syncthreads();
    }
    if (threadIdx.y == 0 && c < channels)
        for (int v = 0; v < VEC; v++) {
            partial[(long long)blockIdx.y * 2 * channels + c + v] = shared[v * threads + threadIdx.x];
            partial[((long long)blockIdx.y * 2 + 1) * channels + c + v] = shared[(VEC + v) * threads + threadIdx.x];
        }
}

KERNEL batchnorm_sums(int rows, IN(T) x, OUT(A) partial, int channels, int inner) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * VEC;
    A sum[VEC] = {}, squares[VEC] = {};
    if (c < channels) {
        Lane first = *(const Lane*)(x + place(0, c, channels, inner));
        for (int row = blockIdx.y * blockDim.y + threadIdx.y; row < rows; row += gridDim.y * blockDim.y) {
            Lane pack = *(const Lane*)(x + place(row, c, channels, inner));
#pragma unroll
            for (int v = 0; v < VEC; v++) {
                A d = A(pack.v[v]) - A(first.v[v]);
                sum[v] += d, squares[v] += d * d;
            }
        }
    }
    write_partial(sum, squares, partial, c, channels);
}

// A warp per channel: the blocks' sums, in order, make mean and (biased) variance.
KERNEL batchnorm_statistics(int channels, IN(T) x, IN(A) partial, OUT(P) mean, OUT(P) variance, int blocks, int rows,
                            int inner) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (c >= channels) return;
    A sum = 0, squares = 0;
    for (int b = lane; b < blocks; b += WARP) {
        sum += partial[(long long)b * 2 * channels + c];
        squares += partial[((long long)b * 2 + 1) * channels + c];
    }
    sum = warp_all<Sum>(sum) / rows, squares = warp_all<Sum>(squares) / rows;
    if (lane) return;
    A spread = squares - sum * sum;
    mean[c] = P(A(x[place(0, c, channels, inner)]) + sum);
    variance[c] = P(spread > 0 ? spread : A(0));
}

// kept: [4][C], the members of Channel.
KERNEL batchnorm_prepare(int n, IN(P) mean, IN(P) variance, IN(P) gamma, IN(P) beta, OUT(A) kept, A eps) {
    for (EACH(c, n)) {
        A inverse = A(1) / sqrt(A(variance[c]) + eps);
        kept[c] = mean[c];
        kept[n + c] = inverse;
        kept[2 * n + c] = gamma ? inverse * A(gamma[c]) : inverse;
        kept[3 * n + c] = beta ? A(beta[c]) : A(0);
    }
}

KERNEL batchnorm_forward(int n, IN(T) x, OUT(T) y, IN(A) kept, int channels, int inner) {
    for (EACH(i, n)) {
        long long at = (long long)i * VEC;
        int c = first_channel(i, channels, inner);
        Lane pack = *(const Lane*)(x + at);
#pragma unroll
        for (int v = 0; v < VEC; v++) {
            Channel of = channel_of(kept, c + v, channels);
            A out = (A(pack.v[v]) - of.mean) * of.factor + of.shift;
            // Written so that NaN stays NaN.
            pack.v[v] = T(RELU && out <= 0 ? A(0) : out);
        }
        *(Lane*)(y + at) = pack;
    }
}

// The gradient as it comes through the ReLU, whose decision is made again from x.
__device__ __forceinline__ A through_relu(A dy, A x, const Channel& of) {
    return RELU && !((x - of.mean) * of.factor + of.shift > 0) ? A(0) : dy;
}

KERNEL batchnorm_gradient_sums(int rows, IN(T) x, IN(T) dy, IN(A) kept, OUT(A) partial, int channels, int inner) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) * VEC;
    A plain[VEC] = {}, weighted[VEC] = {};
    if (c < channels) {
        Channel of[VEC];
        for (int v = 0; v < VEC; v++) of[v] = channel_of(kept, c + v, channels);
        for (int row = blockIdx.y * blockDim.y + threadIdx.y; row < rows; row += gridDim.y * blockDim.y) {
            long long at = place(row, c, channels, inner);
            Lane values = *(const Lane*)(x + at), gradients = *(const Lane*)(dy + at);
#pragma unroll
            for (int v = 0; v < VEC; v++) {
                A g = through_relu(A(gradients.v[v]), A(values.v[v]), of[v]);
                plain[v] += g, weighted[v] += g * (A(values.v[v]) - of[v].mean) * of[v].inverse;
            }
        }
    }
    write_partial(plain, weighted, partial, c, channels);
}

// A warp per channel. sums: [2][C], of g and of g times the normalised x; they are beta's and gamma's gradients.
KERNEL batchnorm_gradients(int channels, IN(A) partial, OUT(A) sums, OUT(P) dgamma, OUT(P) dbeta, int blocks) {
    int c = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (c >= channels) return;
    A plain = 0, weighted = 0;
    for (int b = lane; b < blocks; b += WARP) {
        plain += partial[(long long)b * 2 * channels + c];
        weighted += partial[((long long)b * 2 + 1) * channels + c];
    }
    plain = warp_all<Sum>(plain), weighted = warp_all<Sum>(weighted);
    if (lane) return;
    sums[c] = plain, sums[channels + c] = weighted;
    if (dgamma) dgamma[c] = P(weighted);
    if (dbeta) dbeta[c] = P(plain);
}

KERNEL batchnorm_backward(int n, IN(T) x, IN(T) dy, IN(A) kept, IN(A) sums, OUT(T) dx, int channels, int inner,
                          int rows) {
    for (EACH(i, n)) {
        long long at = (long long)i * VEC;
        int c = first_channel(i, channels, inner);
        Lane values = *(const Lane*)(x + at), gradients = *(const Lane*)(dy + at);
#pragma unroll
        for (int v = 0; v < VEC; v++) {
            Channel of = channel_of(kept, c + v, channels);
            A value = A(values.v[v]), g = through_relu(A(gradients.v[v]), value, of);
            if (!GLOBAL) {
                A normalised = (value - of.mean) * of.inverse;
                g -= (sums[c + v] + normalised * sums[channels + c + v]) / rows;
            }
            gradients.v[v] = T(g * of.factor);
        }
        *(Lane*)(dx + at) = gradients;
    }
}

// The running statistics follow: r = fraction * r + seen; the variance that is followed is the unbiased one.
KERNEL statistics_follow(int n, IN(P) mean, IN(P) variance, INOUT(P) means, INOUT(P) variances, INOUT(P) scale,
                         A fraction, A unbias) {
    for (EACH(c, n)) {
        means[c] = P(A(means[c]) * fraction + A(mean[c]));
        variances[c] = P(A(variances[c]) * fraction + A(variance[c]) * unbias);
        if (c == 0) scale[0] = P(A(scale[0]) * fraction + 1);
    }
}

// A scale of 0 means that nothing was seen yet.
KERNEL statistics_read(int n, IN(P) means, IN(P) variances, IN(P) scale, OUT(P) mean, OUT(P) variance) {
    for (EACH(c, n)) {
        A factor = A(scale[0]) == 0 ? A(0) : A(1) / A(scale[0]);
        mean[c] = P(A(means[c]) * factor);
        variance[c] = P(A(variances[c]) * factor);
    }
}
