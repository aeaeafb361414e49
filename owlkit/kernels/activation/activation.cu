// ReLU, Sigmoid and TanH. KIND: 0 relu, 1 sigmoid, 2 tanh. x and y, dy and dx may be the same memory.

KERNEL activation_forward(int n, IN(T) x, OUT(T) y, A slope) {
    for (EACH(i, n)) {
        A v = x[i];
        if (KIND == 0)
            v = v > 0 ? v : slope * v;
        else if (KIND == 1)
            v = A(0.5) * tanh(A(0.5) * v) + A(0.5);  // Caffe's form: no overflow for large -v
        else
            v = tanh(v);
        y[i] = T(v);
    }
}

KERNEL activation_backward(int n, IN(T) y, IN(T) dy, OUT(T) dx, A slope) {
    for (EACH(i, n)) {
        A v = y[i], g = dy[i];
        if (KIND == 0)
            g = v > 0 ? g : slope * g;
        else if (KIND == 1)
            g *= v * (1 - v);
        else
            g *= 1 - v * v;
        dx[i] = T(g);
    }
}
