// What a convolution's window sees, as columns of a matrix, and the sums back; for planes and volumes in C order.
//
// columns: (images, channels, window, out). Three spatial axes, of which the first may have length 1. K, S, P, D: the
// window's, known to the compiler, which divides by them without a division. X: lengths of the axes, Y: those of the
// output, which a program for every size would need to be compiled for; M, R: how to divide by them, see `rest_of`.

#define PLACES (X0 * X1 * X2)

// The remainder of q by `length`, and q becomes the quotient, for 0 <= q < 2^31: a product and a shift. With shift the
// least number such that 2^shift >= length, and factor = (2^shift - length) * 2^32 / length + 1, rounded down
// (Granlund, Montgomery: Division by invariant integers using multiplication, PLDI 1994).
__device__ __forceinline__ int rest_of(int& q, int length, unsigned factor, int shift) {
    int all = q;
    q = int((__umulhi(unsigned(all), factor) + unsigned(all)) >> shift);
    return all - q * length;
}

KERNEL gather_planes(int n, IN(T) x, OUT(T) columns, int first, int X0, int X1, int X2, int Y0, int Y1, int Y2,
                     unsigned M0, unsigned M1, unsigned M2, int R0, int R1, int R2) {
    for (EACH(i, n)) {
        int q = i, y2 = rest_of(q, Y2, M2, R2);
        int y1 = rest_of(q, Y1, M1, R1);
        int y0 = rest_of(q, Y0, M0, R0);
        int k2 = q % K2;
        q /= K2;
        int k1 = q % K1;
        q /= K1;
        int k0 = q % K0;
        q /= K0;
        int x0 = y0 * S0 - P0 + k0 * D0, x1 = y1 * S1 - P1 + k1 * D1, x2 = y2 * S2 - P2 + k2 * D2;
        bool inside = x0 >= 0 && x0 < X0 && x1 >= 0 && x1 < X1 && x2 >= 0 && x2 < X2;
        columns[i] = inside ? x[(first + q) * PLACES + (x0 * X1 + x1) * X2 + x2] : T(0.0f);
    }
}

// The place in the output whose window has x under its place k, -1 where there is none.
__device__ __forceinline__ int output_of(int x, int k, int stride, int pad, int dilation, int outputs) {
    int distance = x + pad - k * dilation, y = distance / stride;
    return distance < 0 || y * stride != distance || y >= outputs ? -1 : y;
}

KERNEL scatter_planes(int n, IN(T) columns, OUT(T) dx, int first, int X0, int X1, int X2, int Y0, int Y1, int Y2,
                      unsigned M0, unsigned M1, unsigned M2, int R0, int R1, int R2) {
    for (EACH(i, n)) {
        int q = i, x2 = rest_of(q, X2, M2, R2);
        int x1 = rest_of(q, X1, M1, R1);
        int x0 = rest_of(q, X0, M0, R0);
        A sum = 0;
        for (int k0 = 0; k0 < K0; k0++) {
            int y0 = output_of(x0, k0, S0, P0, D0, Y0);
            for (int k1 = 0; y0 >= 0 && k1 < K1; k1++) {
                int y1 = output_of(x1, k1, S1, P1, D1, Y1);
                for (int k2 = 0; y1 >= 0 && k2 < K2; k2++) {
                    int y2 = output_of(x2, k2, S2, P2, D2, Y2);
                    int row = ((q * K0 + k0) * K1 + k1) * K2 + k2;
                    if (y2 >= 0) sum += A(columns[((row * Y0 + y0) * Y1 + y1) * Y2 + y2]);
                }
            }
        }
        dx[first * PLACES + i] = T(sum);
    }
}
