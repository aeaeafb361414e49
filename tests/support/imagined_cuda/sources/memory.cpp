// Memory: the host's, which is told apart by where it was taken, full of NaN at first.
#include "imagined.h"

#include <sys/mman.h>

#include <cstring>

namespace imagined {

namespace {
struct Block {
    size_t nbytes;
    int device;
};
using Blocks = std::map<const char*, Block>;
Blocks on_gpus_, pinned_;
size_t used_[MOST_DEVICES];
constexpr size_t PAGE = 4096;

const Block* around(const Blocks& blocks, const void* place, size_t nbytes) {
    auto next = blocks.upper_bound((const char*)place);
    if (next == blocks.begin()) return nullptr;
    auto& [start, block] = *--next;
    return (const char*)place + nbytes <= start + block.nbytes ? &block : nullptr;
}

size_t pages(size_t nbytes) { return (nbytes + PAGE - 1) / PAGE * PAGE; }

// Pages of its own: who uses what was given back is seen.
cudaError_t take(void** out, size_t nbytes, Blocks& blocks) {
    void* made = mmap(nullptr, pages(nbytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) return fail(cudaErrorMemoryAllocation, "the host's memory does not suffice");
    memset(made, 0xFF, nbytes);
    blocks[(char*)made] = {nbytes, current};
    *out = made;
    return cudaSuccess;
}

cudaError_t give(void* place, Blocks& blocks) {
    auto found = blocks.find((char*)place);
    if (found == blocks.end()) return fail(cudaErrorInvalidValue, "no memory begins there that could be given back");
    for (int device = 0; device < device_count(); device++) drain_device(device);  // as CUDA's, it waits
    if (&blocks == &on_gpus_) used_[found->second.device] -= found->second.nbytes;
    munmap(place, pages(found->second.nbytes));
    blocks.erase(found);
    return cudaSuccess;
}

cudaError_t check_copy(void* to, const void* from, size_t nbytes, cudaMemcpyKind kind) {
    if (kind == cudaMemcpyDefault || !nbytes) return cudaSuccess;
    bool to_gpu = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_gpu = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (to_gpu != on_device(to, nbytes)) return fail(cudaErrorInvalidValue, "a copy's target lies elsewhere");
    if (from_gpu != on_device(from, nbytes)) return fail(cudaErrorInvalidValue, "a copy's source lies elsewhere");
    return cudaSuccess;
}

// By then the memory may have been given back, where a graph does it.
Work copying(void* to, const void* from, size_t nbytes, bool to_gpu, bool from_gpu) {
    return [=] {
        if ((to_gpu && !on_device(to, nbytes)) || (from_gpu && !on_device(from, nbytes)))
            lose("a copy to or from memory that was given back");
        else
            memmove(to, from, nbytes);
    };
}
}  // namespace

bool on_device(const void* place, size_t nbytes) { return around(on_gpus_, place, nbytes); }
bool reachable(const void* place, size_t nbytes) {
    return on_device(place, nbytes) || around(pinned_, place, nbytes);
}

RUNTIME(cudaMalloc)(void** out, size_t nbytes) {
    START();
    NOT_IN_CAPTURE("cudaMalloc");
    *out = nullptr;
    if (!nbytes) return cudaSuccess;
    if (used_[current] + nbytes > TOTAL_BYTES) return fail(cudaErrorMemoryAllocation, "the GPU is full");
    if (cudaError_t failed = take(out, nbytes, on_gpus_)) return failed;
    used_[current] += nbytes;
    return cudaSuccess;
}
RUNTIME(cudaFree)(void* place) {
    START();
    NOT_IN_CAPTURE("cudaFree");
    return place ? give(place, on_gpus_) : cudaSuccess;
}
RUNTIME(cudaHostAlloc)(void** out, size_t nbytes, unsigned) {
    START();
    NOT_IN_CAPTURE("cudaHostAlloc");
    return take(out, nbytes ? nbytes : 1, pinned_);
}
RUNTIME(cudaMallocHost)(void** out, size_t nbytes) { return imagined_cudaHostAlloc(out, nbytes, 0); }
RUNTIME(cudaFreeHost)(void* place) {
    START();
    NOT_IN_CAPTURE("cudaFreeHost");
    return give(place, pinned_);
}
RUNTIME(cudaMemGetInfo)(size_t* free, size_t* total) {
    START();
    return *free = TOTAL_BYTES - used_[current], *total = TOTAL_BYTES, cudaSuccess;
}
RUNTIME(cudaPointerGetAttributes)(cudaPointerAttributes* told, const void* place) {
    Guard guard(lock);
    memset(told, 0, sizeof *told);
    told->type = cudaMemoryTypeUnregistered, told->device = -2;
    if (const Block* block = around(on_gpus_, place, 1)) {
        told->type = cudaMemoryTypeDevice, told->device = block->device, told->devicePointer = (void*)place;
    } else if (const Block* block = around(pinned_, place, 1)) {
        told->type = cudaMemoryTypeHost, told->device = block->device;
        told->hostPointer = told->devicePointer = (void*)place;
    }
    return cudaSuccess;
}

RUNTIME(cudaMemcpyAsync)(void* to, const void* from, size_t nbytes, cudaMemcpyKind kind, cudaStream_t handle) {
    START();
    if (cudaError_t wrong = check_copy(to, from, nbytes, kind)) return wrong;
    Stream* stream = find(handle);
    if (!nbytes) return enqueue(stream, [] {});
    bool to_gpu = on_device(to, nbytes), from_gpu = on_device(from, nbytes);
    bool captured = stream && stream->captured;
    if (!captured && !reachable(from, nbytes)) {  // pageable memory is read before the call returns
        auto kept = std::make_shared<std::vector<char>>((const char*)from, (const char*)from + nbytes);
        return enqueue(stream, [=] { memcpy(to, kept->data(), nbytes); });
    }
    if (cudaError_t failed = enqueue(stream, copying(to, from, nbytes, to_gpu, from_gpu))) return failed;
    if (!captured && !reachable(to, nbytes)) drain(stream);  // and written before it does
    return cudaSuccess;
}
RUNTIME(cudaMemcpy)(void* to, const void* from, size_t nbytes, cudaMemcpyKind kind) {
    {
        START();
        NOT_IN_CAPTURE("cudaMemcpy");
    }
    if (cudaError_t failed = imagined_cudaMemcpyAsync(to, from, nbytes, kind, nullptr)) return failed;
    Guard guard(lock);
    drain(find(nullptr));
    return cudaSuccess;
}
RUNTIME(cudaMemcpyPeer)(void* to, int, const void* from, int, size_t nbytes) {
    return imagined_cudaMemcpy(to, from, nbytes, cudaMemcpyDefault);
}
RUNTIME(cudaMemcpyPeerAsync)(void* to, int, const void* from, int, size_t nbytes, cudaStream_t stream) {
    return imagined_cudaMemcpyAsync(to, from, nbytes, cudaMemcpyDefault, stream);
}
RUNTIME(cudaMemsetAsync)(void* to, int value, size_t nbytes, cudaStream_t handle) {
    START();
    if (nbytes && !on_device(to, nbytes)) return fail(cudaErrorInvalidValue, "what is to be set lies elsewhere");
    return enqueue(find(handle), [=] {
        if (nbytes && !on_device(to, nbytes)) lose("memory is set that was given back");
        else memset(to, value, nbytes);
    });
}
RUNTIME(cudaMemset)(void* to, int value, size_t nbytes) {
    return imagined_cudaMemsetAsync(to, value, nbytes, nullptr);
}

}  // namespace imagined
