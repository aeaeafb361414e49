// The largest of several tensors, place by place, and the gradient for the one that was it.

// One byte for each value of a pack; the memory is as long as whole packs.
struct alignas(Pack<T>::SIZE) Winners {
    unsigned char v[Pack<T>::SIZE];
};

// A later tensor must be strictly larger; NaN stays.
__device__ __forceinline__ void contest(A value, int number, A& best, unsigned char& winner) {
    if (value > best) winner = number;
    if (value > best || value != value) best = value;
}

// winner: which tensor had the largest value; tensor 1 wins a tie over tensor 0 (Caffe).
KERNEL largest(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, OUT(T) y,
               OUT(unsigned char) winner) {
    LOCAL_INPUTS;
    for (PACKS(i, n, T)) {
        Packs x = load_all(xs, i, n);
        Winners winners;
        Pack<T> result = x.of[0];
#pragma unroll
        for (EACH_VALUE(v)) {
            A best = result.v[v];
            winners.v[v] = 0;
#pragma unroll
            for (int k = 1; k < COUNT; k++) {
                if (!xs[k]) continue;
                A value = x.of[k].v[v];
                if (k == 1) {
                    winners.v[v] = best > value ? 0 : 1;
                    best = best > value ? best : value;
                } else {
                    contest(value, k, best, winners.v[v]);
                }
            }
            result.v[v] = T(best);
        }
        store_pack(y, i, n, result);
        reinterpret_cast<Winners*>(winner)[i] = winners;
    }
}

// Goes on after `largest` with the tensors from number `first` on.
KERNEL still_larger(int n, IN(T) x0, IN(T) x1, IN(T) x2, IN(T) x3, IN(T) x4, IN(T) x5, IN(T) x6, IN(T) x7, INOUT(T) y,
                    INOUT(unsigned char) winner, int first) {
    LOCAL_INPUTS;
    for (PACKS(i, n, T)) {
        Packs x = load_all(xs, i, n);
        Pack<T> result = load_pack(y, i, n);
        Winners winners = reinterpret_cast<Winners*>(winner)[i];
#pragma unroll
        for (EACH_VALUE(v)) {
            A best = result.v[v];
#pragma unroll
            for (EACH_TENSOR(k)) if (xs[k]) contest(x.of[k].v[v], first + k, best, winners.v[v]);
            result.v[v] = T(best);
        }
        store_pack(y, i, n, result);
        reinterpret_cast<Winners*>(winner)[i] = winners;
    }
}

KERNEL to_winner(int n, IN(T) dy, IN(unsigned char) winner, int first, OUT(T) d0, OUT(T) d1, OUT(T) d2, OUT(T) d3,
                 OUT(T) d4, OUT(T) d5, OUT(T) d6, OUT(T) d7) {
    LOCAL_OUTPUTS;
    for (PACKS(i, n, T)) {
        Pack<T> g = load_pack(dy, i, n), result;
        Winners winners = reinterpret_cast<const Winners*>(winner)[i];
#pragma unroll
        for (EACH_TENSOR(k)) {
            if (!ds[k]) continue;
#pragma unroll
            for (EACH_VALUE(v)) result.v[v] = winners.v[v] == first + k ? g.v[v] : T(A(0));
            store_pack(ds[k], i, n, result);
        }
    }
}
