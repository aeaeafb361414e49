// What all parts of the imagined CUDA know of each other. One lock guards everything; whoever holds it never asks for
// the interpreter's, so no thread of Python can wait for it in a circle.
#pragma once
#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))
// A function of CUDA's runtime: CuPy's copy of it is made to jump here.
#define RUNTIME(name) EXPORT cudaError_t imagined_##name
// A function of the driver, which goes by its own name.
#define DRIVER(name) EXPORT CUresult name

namespace imagined {

using Work = std::function<void()>;
struct Stream;

// One thing to do: behind what its stream was given before it, and behind others.
struct Operation {
    Work work;
    std::vector<std::shared_ptr<Operation>> behind;
    Stream* stream = nullptr;
    bool done = false;
};
using Queued = std::shared_ptr<Operation>;

struct Graph {
    std::vector<Work> works;
};

// broken : whether its capture has met a call that CUDA refuses then. alive : until somebody destroys it.
struct Stream {
    int device = 0;
    bool blocking = true, alive = true;
    std::deque<Queued> queue;
    Queued last;
    std::unique_ptr<Graph> captured;
    bool broken = false;
    cudaStreamCaptureMode mode{};
    const void* capturer = nullptr;
};

// last : what it stands for. captured : whether it was recorded in a capture. asked : how often since it was recorded.
struct Event {
    int device = 0;
    bool timing = true, captured = false;
    Queued last;
    std::shared_ptr<double> seconds;
    int asked = 0;
};

constexpr int MOST_DEVICES = 16;
constexpr size_t TOTAL_BYTES = 8ull << 30;
constexpr int L2_BYTES = 1 << 20;  // a small one: before each run that is timed it is emptied by a kernel
constexpr int MOST_SHARED = 232448, USUAL_SHARED = 49152;  // bytes of a block, on Hopper

extern std::recursive_mutex lock;
using Guard = std::lock_guard<std::recursive_mutex>;
extern std::set<Stream*> streams;
extern std::set<Event*> events;

// -- devices.cpp
int device_count();
extern thread_local int current;        // the GPU of the calling thread
extern thread_local bool has_context;   // whether the calling thread has one
extern bool lost;                       // after an error in a kernel: nothing is served any more
void enter();                           // makes the current GPU's context
cudaError_t fail(cudaError_t error, const std::string& why);
void lose(const std::string& why);
const char* reason(int error);          // in words, of the calling thread's last

// -- queue.cpp
extern thread_local cudaStreamCaptureMode thread_mode;
const void* this_thread();
Stream* find(cudaStream_t handle);      // null where there is none; 0, 1 and 2 are the default stream
bool is_default(const Stream* stream);
cudaError_t enqueue(Stream* stream, Work work, std::vector<Queued> behind = {}, Queued* made = nullptr);
void perform(const Queued& operation);  // and all that has to come before it
void drain(Stream* stream);
void drain_device(int device);
void progress();                        // in random order: something may happen by itself at any call
cudaError_t refused_in_capture(const char* name);

// -- memory.cpp
bool on_device(const void* place, size_t nbytes);
bool reachable(const void* place, size_t nbytes);  // by a kernel: on a GPU, or pinned

}  // namespace imagined

// What each call does first.
#define START()                                                    \
    imagined::Guard guard(imagined::lock);                         \
    imagined::enter();                                             \
    imagined::progress();                                          \
    if (imagined::lost) return imagined::fail(cudaErrorIllegalAddress, imagined::reason(cudaErrorIllegalAddress))
#define NOT_IN_CAPTURE(name) \
    if (cudaError_t refused = imagined::refused_in_capture(name)) return refused
