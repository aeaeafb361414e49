// A box of a tensor with up to four axes in memory order: x1 to x3 and y1 to y3 the lengths of all but the first axis,
// o0 to o3 where y begins in x. Neighbouring threads move neighbouring values of what is written.

KERNEL cut_out(int n, IN(T) x, OUT(T) y, int x1, int x2, int x3, int y1, int y2, int y3, int o0, int o1, int o2,
               int o3) {
    for (EACH(i, n)) {
        int c = i / y3, d = i - c * y3, b = c / y2, a = b / y1;
        c -= b * y2;
        b -= a * y1;
        y[i] = x[(((a + o0) * x1 + b + o1) * x2 + c + o2) * x3 + d + o3];
    }
}

// dx = dy inside the box, 0 outside; y0: the length of the box's first axis.
KERNEL put_back(int n, IN(T) dy, OUT(T) dx, int x1, int x2, int x3, int y0, int y1, int y2, int y3, int o0, int o1,
                int o2, int o3) {
    for (EACH(i, n)) {
        int c = i / x3, d = i - c * x3 - o3, b = c / x2, a = b / x1;
        c -= b * x2 + o2;
        b -= a * x1 + o1;
        a -= o0;
        bool inside = a >= 0 && a < y0 && b >= 0 && b < y1 && c >= 0 && c < y2 && d >= 0 && d < y3;
        dx[i] = inside ? dy[((a * y1 + b) * y2 + c) * y3 + d] : T(A(0));
    }
}
