// Values of any type that libraries compute with, as double.
#pragma once
#include <library_types.h>

#include <cmath>
#include <cstring>

namespace imagined {

inline size_t width(cudaDataType kind) { return kind == CUDA_R_64F ? 8 : kind == CUDA_R_32F ? 4 : 2; }

inline double get(const void* values, size_t i, cudaDataType kind) {
    if (kind == CUDA_R_32F) return ((const float*)values)[i];
    if (kind == CUDA_R_64F) return ((const double*)values)[i];
    if (kind == CUDA_R_16F) return (float)((const _Float16*)values)[i];
    unsigned bits = (unsigned)((const unsigned short*)values)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline void put(void* values, size_t i, cudaDataType kind, double value) {
    float single = (float)value;
    if (kind == CUDA_R_32F) ((float*)values)[i] = single;
    if (kind == CUDA_R_64F) ((double*)values)[i] = value;
    if (kind == CUDA_R_16F) ((_Float16*)values)[i] = (_Float16)single;
    if (kind != CUDA_R_16BF) return;
    unsigned bits;
    memcpy(&bits, &single, sizeof bits);
    unsigned rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // to the nearest, ties to even
    ((unsigned short*)values)[i] = std::isnan(single) ? 0x7fff : rounded;
}

// c (m, n) += a (m, k) times b (n, k), all row by row.
template <class X> void add_product(const X* a, const X* b, X* c, size_t m, size_t n, size_t k) {
    for (size_t row = 0; row < m; row++)
        for (size_t column = 0; column < n; column++) {
            X sum = 0;
            for (size_t i = 0; i < k; i++) sum += a[row * k + i] * b[column * k + i];
            c[row * n + column] += sum;
        }
}

}  // namespace imagined
