// A value for each channel, added to all values of the channel; and the sums over each channel, its gradient.
//
// Values lie as (outer, channels, inner). Where inner is 1 these are rows, read VEC channels at a time. Sums are made
// in a fixed order: a thread adds rows `blockDim.y` apart, then a block its threads, then the last block all. With RELU
// dy first becomes the gradient before max(y, 0), in place, which saves reading it again.

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

// This block's part of the sums, and from the last block to end the sum of all parts: for thread 0 in y, with `last`
// true. Which block is the last does not matter to the result. partial: (gridDim.x, channels); tickets: one for each
// blockIdx.y, 0 before and after; most: rows of a block; channels counts units of VEC.
template <bool RELU>
__device__ __forceinline__ void over_blocks(const T* y, T* dy, A* partial, unsigned* tickets, int rows, int most,
                                            int channels, A* sum, bool& last) {
    __shared__ unsigned ticket;
    int c = CHANNELS, end = min(rows, (int)(blockIdx.x + 1) * most);
    bool mine = threadIdx.y == 0 && c < channels;
    if (c >= channels) end = 0;
    for (int v = 0; v < VEC; v++) sum[v] = 0;
#pragma unroll 4
    for (int row = blockIdx.x * most + threadIdx.y; row < end; row += blockDim.y) {
        Channels<T> value = reinterpret_cast<Channels<T>*>(dy)[row * channels + c];
        if (RELU) {
            Channels<T> top = reinterpret_cast<const Channels<T>*>(y)[row * channels + c];
            for (int v = 0; v < VEC; v++)
                if (!(A(top.at[v]) > 0)) value.at[v] = T(0.0f);
            reinterpret_cast<Channels<T>*>(dy)[row * channels + c] = value;
        }
        for (int v = 0; v < VEC; v++) sum[v] += A(value.at[v]);
    }
    for (int v = 0; v < VEC; v++) {
        sum[v] = over_y(sum[v]);
        if (mine) partial[(blockIdx.x * channels + c) * VEC + v] = sum[v];
    }
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        __threadfence();  // the parts of the whole block are there for all before the ticket is drawn
        ticket = atomicAdd(tickets + blockIdx.y, 1u);
        if (ticket == gridDim.x - 1) tickets[blockIdx.y] = 0;
        __threadfence();  // those of the other blocks are seen from here on
    }
    __syncthreads();
    last = ticket == gridDim.x - 1;
    if (!last) return;
    const volatile A* parts = partial + (c < channels ? c : 0) * VEC;  // volatile: not from this SM's own cache
    for (int v = 0; v < VEC; v++) {
        A part = 0;
#pragma unroll 4
        for (int block = threadIdx.y; block < gridDim.x; block += blockDim.y)
            part += parts[block * channels * VEC + v];
        sum[v] = over_y(part);
    }
    last = mine;
}

KERNEL sum_many_rows(IN(T) dy, OUT(A) partial, INOUT(unsigned) tickets, OUT(T) db, int rows, int most, int channels) {
    A sum[VEC];
    bool last;
    over_blocks<false>(0, (T*)dy, partial, tickets, rows, most, channels, sum, last);
    for (int v = 0; last && v < VEC; v++) db[CHANNELS * VEC + v] = T(sum[v]);
}

KERNEL add_sum_of_many_rows(IN(T) dy, OUT(A) partial, INOUT(unsigned) tickets, INOUT(T) db, int rows, int most,
                            int channels) {
    A sum[VEC];
    bool last;
    over_blocks<false>(0, (T*)dy, partial, tickets, rows, most, channels, sum, last);
    for (int v = 0; last && v < VEC; v++) db[CHANNELS * VEC + v] = T(A(db[CHANNELS * VEC + v]) + sum[v]);
}

KERNEL relu_sum_many_rows(IN(T) y, INOUT(T) dy, OUT(A) partial, INOUT(unsigned) tickets, OUT(T) db, int rows, int most,
                          int channels) {
    A sum[VEC];
    bool last;
    over_blocks<true>(y, dy, partial, tickets, rows, most, channels, sum, last);
    for (int v = 0; last && v < VEC; v++) db[CHANNELS * VEC + v] = T(sum[v]);
}

KERNEL relu_add_sum_of_many_rows(IN(T) y, INOUT(T) dy, OUT(A) partial, INOUT(unsigned) tickets, INOUT(T) db, int rows,
                                 int most, int channels) {
    A sum[VEC];
    bool last;
    over_blocks<true>(y, dy, partial, tickets, rows, most, channels, sum, last);
    for (int v = 0; last && v < VEC; v++) db[CHANNELS * VEC + v] = T(A(db[CHANNELS * VEC + v]) + sum[v]);
}

// The sums over rows of a channel: for thread 0 in y. channels counts values.
template <bool RELU>
__device__ __forceinline__ A over_rows(const T* y, T* dy, int rows, int channels) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    A sum = 0;
#pragma unroll 4
    for (int row = threadIdx.y; c < channels && row < rows; row += blockDim.y) {
        int at = row * channels + c;
        if (RELU && !(A(y[at]) > 0))
            dy[at] = T(0.0f);
        else
            sum += A(dy[at]);
    }
    return over_y(sum);
}

#define CHANNEL (blockIdx.x * blockDim.x + threadIdx.x)
#define MINE (threadIdx.y == 0 && CHANNEL < channels)

KERNEL sum_rows(IN(T) dy, OUT(T) db, int rows, int channels) {
    A sum = over_rows<false>(0, (T*)dy, rows, channels);
    if (MINE) db[CHANNEL] = T(sum);
}

KERNEL add_sum_of_rows(IN(T) dy, INOUT(T) db, int rows, int channels) {
    A sum = over_rows<false>(0, (T*)dy, rows, channels);
    if (MINE) db[CHANNEL] = T(A(db[CHANNEL]) + sum);
}

KERNEL relu_sum_rows(IN(T) y, INOUT(T) dy, OUT(T) db, int rows, int channels) {
    A sum = over_rows<true>(y, dy, rows, channels);
    if (MINE) db[CHANNEL] = T(sum);
}

KERNEL relu_add_sum_of_rows(IN(T) y, INOUT(T) dy, INOUT(T) db, int rows, int channels) {
    A sum = over_rows<true>(y, dy, rows, channels);
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
