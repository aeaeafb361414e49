// Kernels: what NVRTC's stand-in has compiled is loaded, and called when its turn comes.
#include "imagined.h"

#include <dlfcn.h>

#include <cstring>

namespace imagined {

namespace {
const char MARK[] = "imagined:";  // before the path of a library, in place of code for a GPU

// See parameters.h.
struct Parameter {
    int nbytes, points;
};
using Launch = void (*)(const unsigned* grid, const unsigned* block, void** arguments);

struct Kernel {
    std::string name;
    Launch launch;
    const Parameter* parameters;
    int shared = USUAL_SHARED;
};
struct Module {
    void* library;
    std::map<std::string, Kernel> kernels;
};
struct Call {
    unsigned grid[3], block[3];
    std::vector<std::vector<char>> values;
};

void check_pointers(const Kernel& kernel, const Call& call) {
    for (size_t i = 0; i < call.values.size(); i++) {
        if (!kernel.parameters[i].points) continue;
        const char* place;
        memcpy(&place, call.values[i].data(), sizeof place);
        if (!place || reachable(place, 0)) continue;
        lose("kernel " + kernel.name + ": argument " + std::to_string(i) + " points to no memory of a GPU");
        return;
    }
}

void run(const Kernel& kernel, Call& call) {
    check_pointers(kernel, call);
    if (lost) return;
    std::vector<void*> places;
    for (auto& value : call.values) places.push_back(value.data());
    kernel.launch(call.grid, call.block, places.data());
}

bool is_too_large(const Kernel& kernel, const Call& call, unsigned shared) {
    auto &[gx, gy, gz] = call.grid;
    auto &[bx, by, bz] = call.block;
    unsigned threads = bx * by * bz;
    return !gx || !gy || !gz || gy > 65535 || gz > 65535 || !threads || threads > 1024 || (int)shared > kernel.shared;
}
CUresult failed(cudaError_t error, const std::string& why) { return (CUresult)fail(error, why); }
}  // namespace

DRIVER(cuModuleLoadData)(CUmodule* out, const void* image) {
    if (!has_context) return failed(cudaErrorDeviceUninitialized, "no GPU is current in this thread");
    Guard guard(lock);
    if (auto refused = refused_in_capture("cuModuleLoadData")) return (CUresult)refused;
    auto* text = (const char*)image;
    if (strncmp(text, MARK, sizeof MARK - 1)) return failed(cudaErrorInvalidKernelImage, "code for a real GPU");
    void* library = dlopen(text + sizeof MARK - 1, RTLD_NOW | RTLD_LOCAL);
    if (!library) return failed(cudaErrorInvalidKernelImage, dlerror());
    return *out = (CUmodule) new Module{library, {}}, CUDA_SUCCESS;
}
DRIVER(cuModuleUnload)(CUmodule) { return CUDA_SUCCESS; }  // what is queued may need it
DRIVER(cuModuleGetFunction)(CUfunction* out, CUmodule handle, const char* name) {
    Guard guard(lock);
    auto* module = (Module*)handle;
    auto known = module->kernels.find(name);
    if (known == module->kernels.end()) {
        auto launch = (Launch)dlsym(module->library, ("launch_" + std::string(name)).c_str());
        auto told = (const Parameter* (*)())dlsym(module->library, ("parameters_" + std::string(name)).c_str());
        if (!launch || !told) return failed(cudaErrorSymbolNotFound, std::string("there is no kernel ") + name);
        known = module->kernels.emplace(name, Kernel{name, launch, told()}).first;
    }
    return *out = (CUfunction)&known->second, CUDA_SUCCESS;
}
DRIVER(cuFuncSetAttribute)(CUfunction function, CUfunction_attribute which, int value) {
    if (which != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_SUCCESS;
    if (value > MOST_SHARED) return failed(cudaErrorInvalidValue, "more shared memory than a block can have");
    ((Kernel*)function)->shared = value;
    return CUDA_SUCCESS;
}
DRIVER(cuFuncGetAttribute)(int* value, CUfunction_attribute, CUfunction) { return *value = 0, CUDA_SUCCESS; }
DRIVER(cuLaunchKernel)(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                       unsigned bz, unsigned shared, CUstream handle, void** arguments, void**) {
    if (!has_context) return failed(cudaErrorDeviceUninitialized, "no GPU is current in this thread");
    Guard guard(lock);
    progress();
    if (lost) return (CUresult)cudaErrorIllegalAddress;
    auto* kernel = (Kernel*)function;
    auto call = std::make_shared<Call>(Call{{gx, gy, gz}, {bx, by, bz}, {}});
    if (is_too_large(*kernel, *call, shared))
        return failed(cudaErrorInvalidValue, "kernel " + kernel->name + " cannot be launched with this grid or block");
    for (int i = 0; kernel->parameters[i].nbytes >= 0; i++) {
        auto* value = (const char*)arguments[i];
        call->values.emplace_back(value, value + kernel->parameters[i].nbytes);
    }
    return (CUresult)enqueue(find((cudaStream_t)handle), [kernel, call] { run(*kernel, *call); });
}

}  // namespace imagined
