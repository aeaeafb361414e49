// GPUs, errors, and what the driver tells of them.
#include "imagined.h"

#include <cstdlib>
#include <cstring>

namespace imagined {

thread_local int current = 0;
thread_local bool has_context = false;
bool lost = false;

namespace {
bool active_[MOST_DEVICES];
thread_local cudaError_t last_ = cudaSuccess;
thread_local std::string why_;
std::string lost_by_;

// The GPUs that CUDA_VISIBLE_DEVICES leaves of two.
std::vector<int> visible() {
    const char* chosen = std::getenv("CUDA_VISIBLE_DEVICES");
    if (!chosen) return {0, 1};
    std::vector<int> found;
    for (const char* at = chosen; *at >= '0' && *at <= '1'; at += at[1] == ',' ? 2 : 1) found.push_back(*at - '0');
    return found;
}
const std::vector<int>& devices() {
    static const std::vector<int> found = visible();
    return found;
}
bool is_there(int device) { return device >= 0 && device < device_count(); }

int attribute(int which) {
    switch (which) {
        case cudaDevAttrComputeCapabilityMajor: return 9;
        case cudaDevAttrComputeCapabilityMinor: return 0;
        case cudaDevAttrMultiProcessorCount: return 132;
        case cudaDevAttrMaxThreadsPerBlock: return 1024;
        case cudaDevAttrWarpSize: return 32;
        case cudaDevAttrMaxSharedMemoryPerBlock: return USUAL_SHARED;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: return MOST_SHARED;
        case cudaDevAttrUnifiedAddressing:
        case cudaDevAttrMemoryPoolsSupported: return 1;
        case cudaDevAttrL2CacheSize: return L2_BYTES;
        default: return 0;
    }
}
}  // namespace

int device_count() { return (int)devices().size(); }

void enter() {
    has_context = true;
    active_[current] = true;
}

cudaError_t fail(cudaError_t error, const std::string& why) {
    last_ = error, why_ = why;
    return error;
}

void lose(const std::string& why) {
    if (!lost) fprintf(stderr, "imagined CUDA: %s; the GPU is lost to this process\n", why.c_str());
    lost = true, lost_by_ = why;
}

const char* reason(int error) {
    if (error == cudaErrorMemoryAllocation) return "out of memory";
    if (error == cudaErrorIllegalAddress && lost) return lost_by_.c_str();
    return error == (int)last_ ? why_.c_str() : "";
}

RUNTIME(cudaGetLastError)() {
    auto error = last_;
    last_ = cudaSuccess;
    return error;
}
RUNTIME(cudaPeekAtLastError)() { return last_; }
EXPORT const char* imagined_cudaGetErrorName(cudaError_t error) {
    static thread_local char text[40];
    switch (error) {
        case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
        case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
        case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
        case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
        case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
        case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
        default: snprintf(text, sizeof text, "cudaError%d", (int)error); return text;
    }
}
EXPORT const char* imagined_cudaGetErrorString(cudaError_t error) { return reason(error); }
// What nothing here has asked for yet; CuPy's function of that name leads here.
EXPORT cudaError_t imagined_missing(const char* name) {
    fprintf(stderr, "imagined CUDA: %s is missing; write it in tests/support/imagined_cuda/sources\n", name);
    return fail(cudaErrorNotSupported, std::string(name) + " is missing in the imagined CUDA");
}

RUNTIME(cudaDriverGetVersion)(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
RUNTIME(cudaRuntimeGetVersion)(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
RUNTIME(cudaGetDeviceCount)(int* count) {
    *count = device_count();
    return *count ? cudaSuccess : fail(cudaErrorNoDevice, "CUDA_VISIBLE_DEVICES hides all");
}
RUNTIME(cudaGetDevice)(int* device) { return *device = current, cudaSuccess; }
RUNTIME(cudaSetDevice)(int device) {
    if (!is_there(device)) return fail(cudaErrorInvalidDevice, "there is no such GPU");
    Guard guard(lock);
    current = device;
    enter();
    return cudaSuccess;
}
RUNTIME(cudaDeviceGetAttribute)(int* value, cudaDeviceAttr which, int device) {
    if (!is_there(device)) return fail(cudaErrorInvalidDevice, "there is no such GPU");
    return *value = attribute(which), cudaSuccess;
}
RUNTIME(cudaGetDeviceProperties)(cudaDeviceProp* told, int device) {
    if (!is_there(device)) return fail(cudaErrorInvalidDevice, "there is no such GPU");
    memset(told, 0, sizeof *told);
    strcpy(told->name, "Imagined GPU");
    told->major = 9, told->minor = 0, told->totalGlobalMem = TOTAL_BYTES, told->multiProcessorCount = 132;
    told->l2CacheSize = L2_BYTES, told->sharedMemPerBlock = USUAL_SHARED, told->sharedMemPerBlockOptin = MOST_SHARED;
    told->maxThreadsPerMultiProcessor = 2048, told->memoryBusWidth = 5120, told->warpSize = 32;
    told->maxThreadsPerBlock = 1024, told->unifiedAddressing = 1;
    return cudaSuccess;
}
RUNTIME(cudaDeviceGetPCIBusId)(char* out, int room, int device) {
    return snprintf(out, room, "0000:%02x:00.0", devices()[device]), cudaSuccess;
}
RUNTIME(cudaDeviceSynchronize)() {
    START();
    NOT_IN_CAPTURE("cudaDeviceSynchronize");
    drain_device(current);
    return lost ? fail(cudaErrorIllegalAddress, lost_by_) : cudaSuccess;
}
RUNTIME(cudaDeviceCanAccessPeer)(int* can, int, int) { return *can = 0, cudaSuccess; }
RUNTIME(cudaDeviceGetStreamPriorityRange)(int* least, int* most) { return *least = 0, *most = -5, cudaSuccess; }
RUNTIME(cudaProfilerStart)() { return cudaSuccess; }
RUNTIME(cudaProfilerStop)() { return cudaSuccess; }

#undef cuDeviceTotalMem
DRIVER(cuInit)(unsigned) { return device_count() ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE; }
DRIVER(cuDriverGetVersion)(int* version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
DRIVER(cuGetErrorName)(CUresult error, const char** out) {
    return *out = imagined_cudaGetErrorName((cudaError_t)error), CUDA_SUCCESS;
}
DRIVER(cuGetErrorString)(CUresult error, const char** out) { return *out = reason(error), CUDA_SUCCESS; }
DRIVER(cuDeviceGetCount)(int* count) { return *count = device_count(), CUDA_SUCCESS; }
DRIVER(cuDeviceGet)(CUdevice* device, int number) {
    return *device = number, is_there(number) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
DRIVER(cuDeviceGetName)(char* out, int room, CUdevice) { return snprintf(out, room, "Imagined GPU"), CUDA_SUCCESS; }
DRIVER(cuDeviceTotalMem_v2)(size_t* nbytes, CUdevice) { return *nbytes = TOTAL_BYTES, CUDA_SUCCESS; }
DRIVER(cuDeviceGetAttribute)(int* value, CUdevice_attribute which, CUdevice device) {
    return (CUresult)imagined_cudaDeviceGetAttribute(value, (cudaDeviceAttr)which, device);
}
DRIVER(cuDevicePrimaryCtxGetState)(CUdevice device, unsigned* flags, int* active) {
    return *flags = 0, *active = active_[device], CUDA_SUCCESS;
}
DRIVER(cuCtxGetCurrent)(CUcontext* context) {
    return *context = has_context ? (CUcontext)(size_t)(current + 1) : nullptr, CUDA_SUCCESS;
}
DRIVER(cuCtxGetDevice)(CUdevice* device) {
    return *device = current, has_context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

}  // namespace imagined
