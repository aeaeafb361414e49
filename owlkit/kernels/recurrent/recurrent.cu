// What a step of a recurrent sequence does beside its product, a thread per unit of a stream. LSTM: four gates per unit
// in the order i, f, o, g; otherwise h = tanh(z). STATE: the type of the state's gradient.

__device__ __forceinline__ A sigmoid(A x) { return A(0.5) * tanh(A(0.5) * x) + A(0.5); }

// Before the first step: past = cont h_0, and the state's copy.
KERNEL recurrent_begin(int n, IN(T) h, IN(T) c, IN(T) cont, OUT(T) past, OUT(T) kept, int units) {
    for (EACH(i, n)) {
        past[i] = T(A(cont[i / units]) * A(h[i]));
        if (LSTM) kept[i] = c[i];
    }
}

// z and gates may be the same memory. past: cont h for the next step, whose markers `next` are; absent after the last.
KERNEL recurrent_forward(int n, IN(T) z, IN(T) cont, IN(T) c, OUT(T) gates, OUT(T) c_new, OUT(T) h, IN(T) next,
                         OUT(T) past, int units) {
    for (EACH(at, n)) {
        int stream = at / units;
        A out;
        if (LSTM) {
            int place = at + 3 * stream * units;
            A i = sigmoid(z[place]), f = sigmoid(z[place + units]) * A(cont[stream]);
            A o = sigmoid(z[place + 2 * units]), g = tanh(A(z[place + 3 * units]));
            A state = f * A(c[at]) + i * g;
            gates[place] = T(i), gates[place + units] = T(f);
            gates[place + 2 * units] = T(o), gates[place + 3 * units] = T(g);
            c_new[at] = T(state);
            out = o * tanh(state);
        } else {
            out = tanh(A(z[at]));
            gates[at] = T(out);
        }
        h[at] = T(out);
        if (past) past[at] = T(out * A(next[stream]));
    }
}

// dh: the gradient of h from above; back: that from the step after, whose markers `next` are; absent for the last step.
// dc, dc_new: of the state, before and after; the same memory where steps follow each other, dc absent at the last.
KERNEL recurrent_backward(int n, IN(T) gates, IN(T) c, IN(T) dh, IN(T) back, IN(T) next, IN(STATE) dc,
                          OUT(STATE) dc_new, OUT(T) dz, int units) {
    for (EACH(at, n)) {
        int stream = at / units;
        A slope = dh[at];
        if (back) slope += A(back[at]) * A(next[stream]);
        if (LSTM) {
            int place = at + 3 * stream * units;
            A i = gates[place], f = gates[place + units], o = gates[place + 2 * units], g = gates[place + 3 * units];
            A before = c[at], t = tanh(f * before + i * g), state = slope * o * (1 - t * t);
            if (dc) state += A(dc[at]);
            if (dz) {
                dz[place] = T(state * g * i * (1 - i));
                dz[place + units] = T(state * before * f * (1 - f));
                dz[place + 2 * units] = T(slope * t * o * (1 - o));
                dz[place + 3 * units] = T(state * i * (1 - g * g));
            }
            if (dc_new) dc_new[at] = STATE(state * f);
        } else {
            A g = gates[at];
            dz[at] = T(slope * (1 - g * g));
        }
    }
}

// After the last step: the state to go on from.
KERNEL recurrent_end(int n, IN(T) h, IN(T) c, OUT(T) h_last, OUT(T) c_last) {
    for (EACH(i, n)) {
        h_last[i] = h[i];
        if (LSTM) c_last[i] = c[i];
    }
}
