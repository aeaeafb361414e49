// Streams as queues: done as late as can be, as early, or when chance says so.
#include "imagined.h"

#include <cstdlib>
#include <cstring>
#include <random>

namespace imagined {

std::recursive_mutex lock;
std::set<Stream*> streams;
std::set<Event*> events;
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

namespace {
enum Order { LAZY, EAGER, RANDOM };
Order order_ = LAZY;
std::mt19937 chance_;
Stream default_streams_[MOST_DEVICES];
constexpr size_t LONGEST_QUEUE = 6000;  // of what is put off: then half of it is done

void finish(const Queued& operation) {
    operation->work();
    operation->work = nullptr;  // with what it holds
    operation->behind.clear();
    operation->done = true;
}

// The capture that CUDA protects from the calling thread; null where there is none.
Stream* in_the_way() {
    for (Stream* stream : streams) {
        if (!stream->captured || stream->mode == cudaStreamCaptureModeRelaxed) continue;
        if (thread_mode == cudaStreamCaptureModeRelaxed) continue;
        bool global = stream->mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal;
        if (stream->capturer == this_thread() || global) return stream;
    }
    return nullptr;
}

// What CUDA itself puts between the default stream and ordinary ones.
cudaError_t order_with_default(Stream* stream, std::vector<Queued>& behind) {
    auto follow = [&](const Stream& other) {
        if (other.last && !other.last->done) behind.push_back(other.last);
    };
    if (!is_default(stream)) {
        if (stream->blocking) follow(default_streams_[stream->device]);
        return cudaSuccess;
    }
    for (Stream* other : streams) {
        if (other->device != stream->device || !other->blocking) continue;
        if (other->captured) {
            other->broken = true;
            return fail(cudaErrorStreamCaptureImplicit, "the default stream waits for one that is captured");
        }
        follow(*other);
    }
    return cudaSuccess;
}
}  // namespace

EXPORT void imagined_order(const char* name, unsigned seed) {
    order_ = !strcmp(name, "eager") ? EAGER : !strcmp(name, "random") ? RANDOM : LAZY;
    chance_.seed(seed);
    for (int device = 0; device < MOST_DEVICES; device++) default_streams_[device].device = device;
}

const void* this_thread() {
    static thread_local char mark;
    return &mark;
}

bool is_default(const Stream* stream) {
    return stream >= default_streams_ && stream < default_streams_ + MOST_DEVICES;
}

Stream* find(cudaStream_t handle) {
    if ((size_t)handle <= 2) return &default_streams_[current];
    auto* stream = (Stream*)handle;
    return streams.count(stream) && stream->alive ? stream : nullptr;
}

void perform(const Queued& operation) {
    Stream* stream = operation->stream;
    while (!operation->done) {
        Queued first = stream->queue.front();
        for (auto& before : first->behind) perform(before);
        if (first->done) continue;  // what it waits for has led back here
        stream->queue.pop_front();
        finish(first);
    }
}

void drain(Stream* stream) {
    if (stream->last) perform(stream->last);
}

void drain_device(int device) {
    drain(&default_streams_[device]);
    for (Stream* stream : streams)
        if (stream->device == device) drain(stream);
}

void progress() {
    if (order_ != RANDOM) return;
    while (chance_() % 3 == 0) {
        std::vector<Stream*> waiting;
        for (Stream* stream : streams)
            if (!stream->queue.empty()) waiting.push_back(stream);
        for (Stream& stream : default_streams_)
            if (!stream.queue.empty()) waiting.push_back(&stream);
        if (waiting.empty()) return;
        perform(Queued(waiting[chance_() % waiting.size()]->queue.front()));
    }
}

cudaError_t enqueue(Stream* stream, Work work, std::vector<Queued> behind, Queued* made) {
    if (!stream) return fail(cudaErrorInvalidResourceHandle, "there is no such stream");
    if (stream->device != current)
        return fail(cudaErrorInvalidResourceHandle, "the stream belongs to another GPU than the current one");
    if (stream->captured) {
        stream->captured->works.push_back(std::move(work));
        return cudaSuccess;
    }
    if (cudaError_t refused = order_with_default(stream, behind)) return refused;
    auto operation = std::make_shared<Operation>();
    operation->work = std::move(work), operation->behind = std::move(behind), operation->stream = stream;
    stream->queue.push_back(operation);
    stream->last = operation;
    if (made) *made = operation;
    if (order_ == EAGER) perform(operation);
    if (stream->queue.size() > LONGEST_QUEUE) perform(Queued(stream->queue[LONGEST_QUEUE / 2]));
    return cudaSuccess;
}

cudaError_t refused_in_capture(const char* name) {
    Stream* stream = in_the_way();
    if (!stream) return cudaSuccess;
    stream->broken = true;
    return fail(cudaErrorStreamCaptureUnsupported, std::string(name) + " is refused during a capture");
}

}  // namespace imagined
