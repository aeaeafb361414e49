// Dropout. The mask is no memory but a function of the key, of how many masks were drawn, and of the place: backward
// computes it anew, which takes less time than reading it. One call of Philox serves eight values with 16 bits each.

#define VALUES 8

// state: the key (two words) and the number of masks drawn so far (two words, the low one first).
KERNEL draw(INOUT(unsigned) state) {
    if (threadIdx.x == 0 && ++state[2] == 0) state[3]++;
}

// y = x * scale where 16 random bits are not below the threshold, otherwise 0.
KERNEL apply(int n, IN(T) x, OUT(T) y, IN(unsigned) state, unsigned threshold, A scale) {
    const int packs = VALUES / Pack<T>::SIZE;
    for (EACH(i, (n - 1) / VALUES + 1)) {
        Words bits = philox({{(unsigned)i, state[2], state[3], 0}}, state[0], state[1]);
#pragma unroll
        for (int p = 0; p < packs; p++) {
            Pack<T> pack = load_pack(x, i * packs + p, n);
#pragma unroll
            for (int k = 0; k < Pack<T>::SIZE; k++) {
                const int at = p * Pack<T>::SIZE + k;
                bool keep = ((bits.w[at / 2] >> (at % 2 * 16)) & 0xffff) >= threshold;
                pack.v[k] = T(A(pack.v[k]) * (keep ? scale : A(0)));
            }
            store_pack(y, i * packs + p, n, pack);
        }
    }
}
