// Streams, and events between them.
#include "imagined.h"

#include <chrono>

namespace imagined {

namespace {
constexpr int PATIENCE = 1000;  // how often an event is asked for before the GPU gets there by itself

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
cudaError_t no_stream() { return fail(cudaErrorInvalidResourceHandle, "there is no such stream"); }
cudaError_t no_event() { return fail(cudaErrorInvalidResourceHandle, "there is no such event"); }

// As CUDA's, a handle comes again; what CuPy's pool keeps for a stream then serves the next one.
Stream* unused() {
    for (Stream* stream : streams)
        if (!stream->alive && stream->queue.empty()) {
            *stream = Stream();
            return stream;
        }
    return *streams.insert(new Stream).first;
}

Event* find_event(cudaEvent_t handle) {
    auto* event = (Event*)handle;
    return events.count(event) ? event : nullptr;
}
cudaError_t after_errors() {
    return lost ? fail(cudaErrorIllegalAddress, reason(cudaErrorIllegalAddress)) : cudaSuccess;
}
}  // namespace

RUNTIME(cudaStreamCreateWithFlags)(cudaStream_t* out, unsigned flags) {
    START();
    Stream* stream = unused();
    stream->device = current, stream->blocking = !(flags & cudaStreamNonBlocking);
    return *out = (cudaStream_t)stream, cudaSuccess;
}
RUNTIME(cudaStreamCreate)(cudaStream_t* out) { return imagined_cudaStreamCreateWithFlags(out, 0); }
RUNTIME(cudaStreamCreateWithPriority)(cudaStream_t* out, unsigned flags, int) {
    return imagined_cudaStreamCreateWithFlags(out, flags);
}
// What it was given is done nevertheless; so it stays.
RUNTIME(cudaStreamDestroy)(cudaStream_t handle) {
    START();
    Stream* stream = find(handle);
    if (!stream || is_default(stream)) return no_stream();
    if (stream->captured) return fail(cudaErrorStreamCaptureUnsupported, "a stream is destroyed while it is captured");
    stream->alive = false;
    return cudaSuccess;
}
RUNTIME(cudaStreamSynchronize)(cudaStream_t handle) {
    START();
    Stream* stream = find(handle);
    if (!stream) return no_stream();
    if (stream->captured) {
        stream->broken = true;
        return fail(cudaErrorStreamCaptureUnsupported, "somebody waits for what is being captured");
    }
    NOT_IN_CAPTURE("cudaStreamSynchronize");
    if (is_default(stream))
        if (cudaError_t failed = enqueue(stream, [] {})) return failed;
    drain(stream);
    return after_errors();
}
RUNTIME(cudaStreamQuery)(cudaStream_t handle) {
    START();
    Stream* stream = find(handle);
    if (!stream) return no_stream();
    NOT_IN_CAPTURE("cudaStreamQuery");
    return stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}
RUNTIME(cudaStreamGetFlags)(cudaStream_t handle, unsigned* flags) {
    START();
    Stream* stream = find(handle);
    if (!stream) return no_stream();
    return *flags = stream->blocking ? 0 : cudaStreamNonBlocking, cudaSuccess;
}
RUNTIME(cudaStreamGetPriority)(cudaStream_t, int* priority) { return *priority = 0, cudaSuccess; }
RUNTIME(cudaStreamGetDevice)(cudaStream_t handle, int* device) {
    START();
    Stream* stream = find(handle);
    if (!stream) return no_stream();
    return *device = stream->device, cudaSuccess;
}
RUNTIME(cudaStreamWaitEvent)(cudaStream_t handle, cudaEvent_t waited_for, unsigned) {
    START();
    Stream* stream = find(handle);
    Event* event = find_event(waited_for);
    if (!stream) return no_stream();
    if (!event) return no_event();
    if (stream->captured) {
        if (event->captured || !event->last) return cudaSuccess;
        stream->broken = true;
        return fail(cudaErrorStreamCaptureIsolation, "a captured stream waits for what is not captured");
    }
    if (event->captured) return fail(cudaErrorStreamCaptureUnsupported, "another stream would join a capture");
    if (!event->last || event->last->done) return cudaSuccess;
    int before = current;
    current = stream->device;  // a stream may wait for another GPU, whichever is current
    auto result = enqueue(stream, [] {}, {event->last});
    current = before;
    return result;
}

RUNTIME(cudaEventCreateWithFlags)(cudaEvent_t* out, unsigned flags) {
    START();
    auto* event = new Event;
    event->device = current, event->timing = !(flags & cudaEventDisableTiming);
    events.insert(event);
    return *out = (cudaEvent_t)event, cudaSuccess;
}
RUNTIME(cudaEventCreate)(cudaEvent_t* out) { return imagined_cudaEventCreateWithFlags(out, 0); }
RUNTIME(cudaEventDestroy)(cudaEvent_t handle) {
    START();
    Event* event = find_event(handle);
    if (!event) return no_event();
    events.erase(event);
    delete event;
    return cudaSuccess;
}
RUNTIME(cudaEventRecord)(cudaEvent_t handle, cudaStream_t on) {
    START();
    Event* event = find_event(handle);
    Stream* stream = find(on);
    if (!event) return no_event();
    if (!stream) return no_stream();
    if (stream->device != event->device)
        return fail(cudaErrorInvalidResourceHandle, "event and stream belong to different GPUs");
    event->captured = stream->captured != nullptr, event->asked = 0;
    event->last = nullptr;
    if (event->captured) return cudaSuccess;
    auto seconds = event->seconds = std::make_shared<double>(0);
    return enqueue(stream, [seconds] { *seconds = now(); }, {}, &event->last);
}
RUNTIME(cudaEventRecordWithFlags)(cudaEvent_t event, cudaStream_t stream, unsigned) {
    return imagined_cudaEventRecord(event, stream);
}
RUNTIME(cudaEventSynchronize)(cudaEvent_t handle) {
    START();
    Event* event = find_event(handle);
    if (!event) return no_event();
    NOT_IN_CAPTURE("cudaEventSynchronize");
    if (event->captured) return fail(cudaErrorCapturedEvent, "somebody waits for an event of a capture");
    if (event->last) perform(event->last);
    return after_errors();
}
RUNTIME(cudaEventQuery)(cudaEvent_t handle) {
    START();
    Event* event = find_event(handle);
    if (!event) return no_event();
    NOT_IN_CAPTURE("cudaEventQuery");
    if (event->captured) return fail(cudaErrorCapturedEvent, "an event of a capture is asked for");
    if (!event->last || event->last->done) return cudaSuccess;
    if (++event->asked < PATIENCE) return cudaErrorNotReady;
    perform(event->last);
    return cudaSuccess;
}
RUNTIME(cudaEventElapsedTime)(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
    START();
    Event *start = find_event(from), *end = find_event(to);
    if (!start || !end) return no_event();
    if (!start->timing || !end->timing) return fail(cudaErrorInvalidResourceHandle, "an event without times");
    if (!start->last || !end->last) return fail(cudaErrorInvalidResourceHandle, "an event was never recorded");
    if (!start->last->done || !end->last->done) return cudaErrorNotReady;
    return *milliseconds = 1e3 * (*end->seconds - *start->seconds), cudaSuccess;
}

}  // namespace imagined
