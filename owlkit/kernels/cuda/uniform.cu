// Random numbers in (0, 1], a function of the key, of how many times numbers were drawn, and of the place.

// state: the key (two words) and the number of draws so far (two words, the low one first).
KERNEL count_draw(INOUT(unsigned) state) {
    if (threadIdx.x == 0 && ++state[2] == 0) state[3]++;
}

// 24 random bits each, as many as a float keeps; four values from a call of Philox.
KERNEL fill_uniform(int n, IN(unsigned) state, OUT(float) values) {
    for (EACH(i, (n - 1) / 4 + 1)) {
        Words bits = philox({{(unsigned)i, state[2], state[3], 0}}, state[0], state[1]);
        for (int k = 0; k < 4 && i * 4 + k < n; k++)
            values[i * 4 + k] = ((bits.w[k] >> 8) + 1) * 5.9604644775390625e-8f;  // 2^-24
    }
}
