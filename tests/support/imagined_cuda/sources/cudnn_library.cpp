// The few functions of cuDNN's library that need a GPU. A plan is made by cuDNN itself; when it is to run, what it was
// given is kept for who computes it (`imagined_convolution`).
#include "imagined.h"

#include <algorithm>

namespace imagined {
namespace {
using SetAttribute = int (*)(void*, int, int, int64_t, const void*);
SetAttribute set_attribute;  // cuDNN's own, behind the function that was replaced

constexpr int SUCCESS = 0, UNIQUE_IDS = 1000, POINTERS = 1001, WORKSPACE = 1003, MOST = 16;  // cudnn_graph.h

struct Handle {
    cudaStream_t stream = nullptr;
};
// What the calling thread has given to a plan, and run.
struct Pack {
    int count = 0, runs = 0;
    long long ids[MOST];
    void* pointers[MOST];
    void* workspace = nullptr;
    cudaStream_t stream = nullptr;
};
thread_local Pack pack;
}  // namespace

EXPORT void imagined_attributes(SetAttribute theirs) { set_attribute = theirs; }

EXPORT int imagined_cudnnCreate(Handle** handle) {
    *handle = new Handle;
    return SUCCESS;
}
EXPORT int imagined_cudnnDestroy(Handle* handle) {
    delete handle;
    return SUCCESS;
}
EXPORT int imagined_cudnnSetStream(Handle* handle, cudaStream_t stream) {
    handle->stream = stream;
    return SUCCESS;
}
EXPORT int imagined_cudnnGetStream(Handle* handle, cudaStream_t* stream) {
    *stream = handle->stream;
    return SUCCESS;
}

EXPORT int imagined_cudnnBackendSetAttribute(void* of, int name, int type, int64_t count, const void* values) {
    auto* numbers = (const long long*)values;
    auto* places = (void* const*)values;
    if (name == UNIQUE_IDS) std::copy_n(numbers, pack.count = std::min<int64_t>(count, MOST), pack.ids);
    if (name == POINTERS) std::copy_n(places, std::min<int64_t>(count, MOST), pack.pointers);
    if (name == WORKSPACE) pack.workspace = *places;
    return set_attribute(of, name, type, count, values);
}

EXPORT int imagined_cudnnBackendExecute(Handle* handle, void*, void*) {
    pack.stream = handle->stream;
    pack.runs++;
    return SUCCESS;
}

// What the last plan of the calling thread was given; returns how many tensors, or -1 where not just one has run.
EXPORT int imagined_pack(long long* ids, void** pointers, void** workspace, cudaStream_t* stream) {
    Pack found = pack;
    pack = Pack{};
    if (found.runs != 1) return -1;
    std::copy_n(found.ids, found.count, ids);
    std::copy_n(found.pointers, found.count, pointers);
    *workspace = found.workspace, *stream = found.stream;
    return found.count;
}

}  // namespace imagined
