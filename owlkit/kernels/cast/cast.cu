// Values in another type: FROM to T.

// Eight values, which a thread moves at once: 16 bytes of half precision, 32 of float.
template <class V>
struct alignas(16) Eight {
    V v[8];
};

KERNEL cast(int n, IN(FROM) x, OUT(T) y) {
    for (EACH(i, (n - 1) / 8 + 1)) {
        int start = i * 8;
        if (n - start >= 8) {
            Eight<FROM> given = reinterpret_cast<const Eight<FROM>*>(x)[i];
            Eight<T> made;
#pragma unroll
            for (int k = 0; k < 8; k++) made.v[k] = T(A(given.v[k]));
            reinterpret_cast<Eight<T>*>(y)[i] = made;
        } else {
            for (int at = start; at < n; at++) y[at] = T(A(x[at]));
        }
    }
}
