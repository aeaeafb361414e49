// Philox 4x32-10, a generator without a state: 128 random bits for each counter under a key. From Salmon, Moraes, Dror
// and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.

struct Words {
    unsigned w[4];
};

__device__ __forceinline__ Words philox(Words counter, unsigned key0, unsigned key1) {
    const unsigned factor0 = 0xD2511F53u, factor1 = 0xCD9E8D57u;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        unsigned high0 = __umulhi(factor0, counter.w[0]), low0 = factor0 * counter.w[0];
        unsigned high1 = __umulhi(factor1, counter.w[2]), low1 = factor1 * counter.w[2];
        counter = {{high1 ^ counter.w[1] ^ key0, low1, high0 ^ counter.w[3] ^ key1, low0}};
        key0 += 0x9E3779B9u;  // the golden ratio
        key1 += 0xBB67AE85u;  // the square root of 3, less 1
    }
    return counter;
}
