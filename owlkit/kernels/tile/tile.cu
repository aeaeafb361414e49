// Copies side by side, and the sums over them. x is (outer, width), y (outer, tiles, width).

// UNIT is the largest type of which a tile is a whole number; width counts it.
KERNEL tile(int n, IN(UNIT) x, OUT(UNIT) y, int tiles, int width) {
    for (EACH(i, n)) {
        int row = i / width;
        y[i] = x[row / tiles * width + i - row * width];
    }
}

KERNEL untile(int n, IN(T) dy, OUT(T) dx, int tiles, int width) {
    for (EACH(i, n)) {
        int row = i / width;
        const T* copies = dy + row * tiles * width + i - row * width;
        A sum = 0;
        for (int t = 0; t < tiles; t++) sum += A(copies[t * width]);
        dx[i] = T(sum);
    }
}
