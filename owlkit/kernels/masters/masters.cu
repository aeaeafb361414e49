// Weights in float32 beside copies in half precision (T). chunks: rows of five numbers: the address that is read, the
// one that is written, how many values, whether they are added, and whether the working values are of type T.

// Eight values, which a thread moves at once.
template <class V>
struct alignas(16) Eight {
    V v[8];
};

template <class V>
__device__ __forceinline__ Eight<float> wide(const V* values, int start) {
    Eight<V> given = *reinterpret_cast<const Eight<V>*>(values + start);
    Eight<float> made;
#pragma unroll
    for (int k = 0; k < 8; k++) made.v[k] = float(given.v[k]);
    return made;
}

// A block takes a chunk. Parts of an arena and chunks begin at multiples of 16 bytes.
KERNEL narrow(IN(long long) chunks) {
    const long long* chunk = chunks + 5 * blockIdx.x;
    const float* from = reinterpret_cast<const float*>(chunk[0]);
    T* to = reinterpret_cast<T*>(chunk[1]);
    int n = (int)chunk[2];
    for (int start = threadIdx.x * 8; start < n; start += blockDim.x * 8) {
        if (n - start >= 8) {
            Eight<float> given = wide(from, start);
            Eight<T> pack;
#pragma unroll
            for (int k = 0; k < 8; k++) pack.v[k] = T(given.v[k]);
            *reinterpret_cast<Eight<T>*>(to + start) = pack;
        } else {
            for (int i = start; i < n; i++) to[i] = T(from[i]);
        }
    }
}

__device__ __forceinline__ bool is_finite(float value) { return fabsf(value) <= 3.4028235e38f; }

// Whether a value was not finite.
template <class V>
__device__ __forceinline__ bool bring(const V* from, float* to, int n, bool add, float factor) {
    bool wrong = false;
    for (int start = threadIdx.x * 8; start < n; start += blockDim.x * 8) {
        if (n - start >= 8) {
            Eight<float> given = wide(from, start), there;
            Eight<float>* place = reinterpret_cast<Eight<float>*>(to + start);
            if (add) there = *place;
#pragma unroll
            for (int k = 0; k < 8; k++) {
                wrong |= !is_finite(given.v[k]);
                there.v[k] = add ? there.v[k] + given.v[k] * factor : given.v[k] * factor;
            }
            *place = there;
        } else {
            for (int i = start; i < n; i++) {
                float value = float(from[i]);
                wrong |= !is_finite(value);
                to[i] = add ? to[i] + value * factor : value * factor;
            }
        }
    }
    return wrong;
}

// state: see masters/__init__.py; null without a scale. Whoever finds a value that is not finite writes the same.
KERNEL widen(IN(long long) chunks, INOUT(float) state) {
    const long long* chunk = chunks + 5 * blockIdx.x;
    float* to = reinterpret_cast<float*>(chunk[1]);
    int n = (int)chunk[2];
    bool add = chunk[3] != 0;
    float factor = state ? state[1] : 1.0f;
    bool wrong = chunk[4] != 0 ? bring(reinterpret_cast<const T*>(chunk[0]), to, n, add, factor)
                               : bring(reinterpret_cast<const float*>(chunk[0]), to, n, add, factor);
    if (wrong && state) state[2] = 1;
}

// which: 0 for the scale, 1 for its inverse.
KERNEL rescale(int n, INOUT(float) diff, IN(float) state, int which) {
    for (EACH(i, n)) diff[i] *= state[which];
}

KERNEL follow(INOUT(float) state, float least, float most, float patience) {
    if (threadIdx.x || state[5] != 0) return;
    float scale = state[0], streak = state[3] + 1;
    if (state[2] != 0) {
        scale = fmaxf(scale / 2, least);
        streak = 0;
        state[4] += 1;
    } else if (streak >= patience) {
        scale = fminf(scale * 2, most);
        streak = 0;
    }
    state[0] = scale;
    state[1] = 1 / scale;
    state[2] = 0;
    state[3] = streak;
}

// Whoever finds a value that is not finite writes the same.
KERNEL judge(int n, IN(T) loss, INOUT(float) state) {
    for (EACH(i, n)) {
        A value = loss[i];
        if (!(value - value == 0)) state[5] = 1;
    }
}
