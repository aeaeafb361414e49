// A value for each channel, added to all values of the channel; and the sums over each channel, its gradient.
//
// Values lie as (outer, channels, inner). Where inner is 1 these are rows, read VEC channels at a time. Sums are made
// in a fixed order: a thread adds rows `blockDim.y` apart, then a block its threads, then one block all blocks.

#define MOST_THREADS 1024

__device__ __forceinline__ A ended(A value, int relu) { return relu && value < 0 ? A(0) : value; }

// n counts units of VEC. b may be absent.
KERNEL add_to_rows(int n, INOUT(T) y, IN(T) b, int channels, int relu) {
    const Channels<T>* biases = reinterpret_cast<const Channels<T>*>(b);
    Channels<T>* values = reinterpret_cast<Channels<T>*>(y);
    for (EACH(i, n)) {
        Channels<T> value = values[i], bias = {};
        if (b) bias = biases[i % channels];
        for (int v = 0; v < VEC; v++) value.at[v] = T(ended(A(value.at[v]) + (b ? A(bias.at[v]) : A(0)), relu));
        values[i] = value;
    }
}

KERNEL add_to_planes(int n, INOUT(T) y, IN(T) b, int channels, int inner, int relu) {
    for (EACH(i, n)) {
        A bias = b ? A(b[i / inner % channels]) : A(0);
        y[i] = T(ended(A(y[i]) + bias, relu));
    }
}

// The sums of a block's threads that have the same x, of every such x: for thread 0 in y.
__device__ __forceinline__ A over_y(A value) {
    __shared__ A values[MOST_THREADS];
    int width = blockDim.x;
    __syncthreads();
    values[threadIdx.y * width + threadIdx.x] = value;
    __syncthreads();
    for (int y = 1; threadIdx.y == 0 && y < blockDim.y; y++) value += values[y * width + threadIdx.x];
    return value;
}

// partial: (gridDim.x, channels), for each block the sums over its `most` rows. channels counts units of VEC.
KERNEL sum_parts(IN(T) dy, OUT(A) partial, int rows, int most, int channels) {
    int c = CHANNELS;
    const Channels<T>* values = reinterpret_cast<const Channels<T>*>(dy) + (c < channels ? c : 0);
    int end = min(rows, (int)(blockIdx.x + 1) * most);
    A sum[VEC];
    for (int v = 0; v < VEC; v++) sum[v] = 0;
#pragma unroll 4
    for (int row = blockIdx.x * most + threadIdx.y; row < end; row += blockDim.y) {
        Channels<T> value = values[row * channels];
        for (int v = 0; v < VEC; v++) sum[v] += A(value.at[v]);
    }
    for (int v = 0; v < VEC; v++) {
        A whole = over_y(sum[v]);
        if (threadIdx.y == 0 && c < channels) partial[(blockIdx.x * channels + c) * VEC + v] = whole;
    }
}

// The sums over rows of a channel: for thread 0 in y. channels counts values.
template <class X>
__device__ __forceinline__ A over_rows(const X* values, int rows, int channels) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    A sum = 0;
#pragma unroll 4
    for (int row = threadIdx.y; row < rows; row += blockDim.y)
        sum += c < channels ? A(values[row * channels + c]) : A(0);
    return over_y(sum);
}

#define MINE (threadIdx.y == 0 && blockIdx.x * blockDim.x + threadIdx.x < channels)
#define CHANNEL (blockIdx.x * blockDim.x + threadIdx.x)

KERNEL sum_rows(IN(T) dy, OUT(T) db, int rows, int channels) {
    A sum = over_rows(dy, rows, channels);
    if (MINE) db[CHANNEL] = T(sum);
}

KERNEL add_sum_of_rows(IN(T) dy, INOUT(T) db, int rows, int channels) {
    A sum = over_rows(dy, rows, channels);
    if (MINE) db[CHANNEL] = T(A(db[CHANNEL]) + sum);
}

KERNEL end_sums(IN(A) partial, OUT(T) db, int rows, int channels) {
    A sum = over_rows(partial, rows, channels);
    if (MINE) db[CHANNEL] = T(sum);
}

KERNEL add_end_of_sums(IN(A) partial, INOUT(T) db, int rows, int channels) {
    A sum = over_rows(partial, rows, channels);
    if (MINE) db[CHANNEL] = T(A(db[CHANNEL]) + sum);
}

// The sum over a channel of (outer, channels, inner), by a block.
__device__ __forceinline__ A over_planes(const T* dy, int outer, int channels, int inner) {
    A sum = 0;
    for (int n = 0; n < outer; n++) {
        const T* plane = dy + (n * channels + blockIdx.x) * inner;
        for (int i = threadIdx.x; i < inner; i += blockDim.x) sum += A(plane[i]);
    }
    return block_all<Sum>(sum);
}

KERNEL sum_planes(IN(T) dy, OUT(T) db, int outer, int channels, int inner) {
    A sum = over_planes(dy, outer, channels, inner);
    if (threadIdx.x == 0) db[blockIdx.x] = T(sum);
}

KERNEL add_sum_of_planes(IN(T) dy, INOUT(T) db, int outer, int channels, int inner) {
    A sum = over_planes(dy, outer, channels, inner);
    if (threadIdx.x == 0) db[blockIdx.x] = T(A(db[blockIdx.x]) + sum);
}
