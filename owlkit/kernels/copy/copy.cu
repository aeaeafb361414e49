// Copies between orders of axes.

#define TILE 32
#define TILE_ROWS 8

// A stack of matrices (rows, columns) transposed, tile by tile through shared memory, so that both sides are read and
// written in runs. The tile is one column wider, so that a column of it lies in different banks.
KERNEL transpose(IN(T) x, OUT(T) y, int rows, int columns) {
    __shared__ T tile[TILE][TILE + 1];
    int across = (columns + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    int matrix = blockIdx.x / (across * down), number = blockIdx.x - matrix * across * down;
    int first_row = number / across * TILE, first_column = (number - number / across * across) * TILE;
    x += matrix * rows * columns;
    y += matrix * rows * columns;
    int column = first_column + threadIdx.x;
    for (int r = threadIdx.y; r < TILE; r += TILE_ROWS)
        if (first_row + r < rows && column < columns) tile[r][threadIdx.x] = x[(first_row + r) * columns + column];
    __syncthreads();
    int row = first_row + threadIdx.x;
    for (int c = threadIdx.y; c < TILE; c += TILE_ROWS)
        if (first_column + c < columns && row < rows) y[(first_column + c) * rows + row] = tile[threadIdx.x][c];
}

// Where element i in C order of (n, channels, plane) lies in memory that runs n, plane, channels.
__device__ __forceinline__ int channels_last(int i, int channels, int plane) {
    int image = i / (channels * plane), in_image = i - image * channels * plane;
    int channel = in_image / plane;
    return (image * plane + in_image - channel * plane) * channels + channel;
}

// Both sides channels-last, with different shapes.
KERNEL reshape_images(int n, IN(T) x, OUT(T) y, int x_channels, int x_plane, int y_channels, int y_plane) {
    for (EACH(i, n)) y[channels_last(i, y_channels, y_plane)] = x[channels_last(i, x_channels, x_plane)];
}
