// cuBLAS, as far as owlkit calls it.
#include "imagined.h"
#include "numbers.h"

#include <cublas_v2.h>

namespace imagined {

namespace {
struct Handle {
    cudaStream_t stream = nullptr;
};

// A matrix as cuBLAS takes it: column by column, `lead` values from one to the next; `step` to that of the next product.
struct Matrix {
    const void* values;
    cudaDataType kind;
    int lead;
    long long step;
    bool turned;
};
struct Product {
    int m, n, k, count;
    double alpha, beta;
    Matrix a, b, c;
};

// Matrix number `i`, its rows (or columns) of `k` factors one after the other.
template <class X> std::vector<X> factors(const Matrix& matrix, int i, int outer, int k, bool by_lead) {
    std::vector<X> found((size_t)outer * k);
    auto* start = (const char*)matrix.values + i * matrix.step * width(matrix.kind);
    for (int o = 0; o < outer; o++)
        for (int l = 0; l < k; l++) {
            size_t place = by_lead ? l + (size_t)o * matrix.lead : o + (size_t)l * matrix.lead;
            found[(size_t)o * k + l] = (X)get(start, place, matrix.kind);
        }
    return found;
}

template <class X> void multiply(const Product& p) {
    for (int i = 0; i < p.count; i++) {
        auto a = factors<X>(p.a, i, p.m, p.k, p.a.turned), b = factors<X>(p.b, i, p.n, p.k, !p.b.turned);
        std::vector<X> sums((size_t)p.m * p.n);
        add_product(b.data(), a.data(), sums.data(), p.n, p.m, p.k);
        auto* out = (char*)p.c.values + i * p.c.step * width(p.c.kind);
        for (int column = 0; column < p.n; column++)
            for (int row = 0; row < p.m; row++) {
                size_t place = row + (size_t)column * p.c.lead;
                double old = p.beta ? p.beta * get(out, place, p.c.kind) : 0;  // with beta 0 it is not read
                put(out, place, p.c.kind, p.alpha * sums[(size_t)column * p.m + row] + old);
            }
    }
}

bool is_refused(const Product& p, bool wide) {
    int a = p.a.turned ? p.k : p.m, b = p.b.turned ? p.n : p.k;
    return wide != (p.a.kind == CUDA_R_64F) || p.a.kind != p.b.kind || p.a.lead < a || p.b.lead < b || p.c.lead < p.m ||
           p.m <= 0 || p.n <= 0 || p.k < 0;
}
}  // namespace

#define CUBLAS(name) EXPORT cublasStatus_t imagined_##name
CUBLAS(cublasCreate_v2)(cublasHandle_t* out) { return *out = (cublasHandle_t) new Handle, CUBLAS_STATUS_SUCCESS; }
CUBLAS(cublasDestroy_v2)(cublasHandle_t handle) { return delete (Handle*)handle, CUBLAS_STATUS_SUCCESS; }
CUBLAS(cublasSetStream_v2)(cublasHandle_t handle, cudaStream_t stream) {
    return ((Handle*)handle)->stream = stream, CUBLAS_STATUS_SUCCESS;
}
CUBLAS(cublasSetWorkspace_v2)(cublasHandle_t, void* space, size_t nbytes) {
    Guard guard(lock);
    bool good = (size_t)space % 256 == 0 && on_device(space, nbytes);
    return good ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
CUBLAS(cublasSetMathMode)(cublasHandle_t, cublasMath_t mode) {
    bool known = mode == CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
EXPORT const char* imagined_cublasGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_INVALID_VALUE ? "a product that cuBLAS refuses" : "the imagined cuBLAS";
}
CUBLAS(cublasGemmStridedBatchedEx)(cublasHandle_t handle, cublasOperation_t turn_a, cublasOperation_t turn_b, int m,
                                   int n, int k, const void* alpha, const void* a, cudaDataType a_kind, int a_lead,
                                   long long a_step, const void* b, cudaDataType b_kind, int b_lead, long long b_step,
                                   const void* beta, void* c, cudaDataType c_kind, int c_lead, long long c_step,
                                   int count, cublasComputeType_t compute, cublasGemmAlgo_t) {
    bool wide = compute == CUBLAS_COMPUTE_64F;
    auto scale = [wide](const void* value) { return wide ? *(const double*)value : *(const float*)value; };
    Product product{m, n, k, count, scale(alpha), scale(beta),
                    {a, a_kind, a_lead, a_step, turn_a != CUBLAS_OP_N},
                    {b, b_kind, b_lead, b_step, turn_b != CUBLAS_OP_N},
                    {c, c_kind, c_lead, c_step, false}};
    if (is_refused(product, wide)) return CUBLAS_STATUS_INVALID_VALUE;
    Guard guard(lock);
    auto queued = enqueue(find(((Handle*)handle)->stream), [product, wide] {
        const auto& [m, n, k, count, alpha, beta, a, b, c] = product;
        if ((k && !(reachable(a.values, 1) && reachable(b.values, 1))) || !reachable(c.values, 1))
            return lose("a product of matrices that lie in no memory of a GPU");
        wide ? multiply<double>(product) : multiply<float>(product);
    });
    return queued ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}
CUBLAS(cublasGemmEx)(cublasHandle_t handle, cublasOperation_t turn_a, cublasOperation_t turn_b, int m, int n, int k,
                     const void* alpha, const void* a, cudaDataType a_kind, int a_lead, const void* b,
                     cudaDataType b_kind, int b_lead, const void* beta, void* c, cudaDataType c_kind, int c_lead,
                     cublasComputeType_t compute, cublasGemmAlgo_t algorithm) {
    return imagined_cublasGemmStridedBatchedEx(handle, turn_a, turn_b, m, n, k, alpha, a, a_kind, a_lead, 0, b, b_kind,
                                               b_lead, 0, beta, c, c_kind, c_lead, 0, 1, compute, algorithm);
}

}  // namespace imagined
