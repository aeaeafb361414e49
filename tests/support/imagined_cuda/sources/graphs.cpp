// Captures and graphs: what would have been queued is noted, and queued as one at each launch.
#include "imagined.h"

namespace imagined {

RUNTIME(cudaStreamBeginCapture)(cudaStream_t handle, cudaStreamCaptureMode mode) {
    START();
    Stream* stream = find(handle);
    if (!stream || is_default(stream)) return fail(cudaErrorStreamCaptureUnsupported, "no stream to be captured");
    if (stream->captured) return fail(cudaErrorIllegalState, "the stream is captured already");
    stream->captured = std::make_unique<Graph>();
    stream->broken = false, stream->mode = mode, stream->capturer = this_thread();
    return cudaSuccess;
}
RUNTIME(cudaStreamEndCapture)(cudaStream_t handle, cudaGraph_t* out) {
    START();
    *out = nullptr;
    Stream* stream = find(handle);
    if (!stream || !stream->captured) return fail(cudaErrorIllegalState, "the stream is not captured");
    if (stream->capturer != this_thread() && stream->mode != cudaStreamCaptureModeRelaxed)
        return fail(cudaErrorStreamCaptureWrongThread, "another thread has begun the capture");
    auto graph = std::move(stream->captured);
    if (stream->broken) return fail(cudaErrorStreamCaptureInvalidated, "a call that CUDA refuses came between");
    return *out = (cudaGraph_t)graph.release(), cudaSuccess;
}
RUNTIME(cudaStreamIsCapturing)(cudaStream_t handle, cudaStreamCaptureStatus* status) {
    START();
    Stream* stream = find(handle);
    *status = !stream || !stream->captured ? cudaStreamCaptureStatusNone
              : stream->broken             ? cudaStreamCaptureStatusInvalidated
                                           : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}
RUNTIME(cudaThreadExchangeStreamCaptureMode)(cudaStreamCaptureMode* mode) {
    return std::swap(*mode, thread_mode), cudaSuccess;
}
DRIVER(cuThreadExchangeStreamCaptureMode)(CUstreamCaptureMode* mode) {
    return (CUresult)imagined_cudaThreadExchangeStreamCaptureMode((cudaStreamCaptureMode*)mode);
}

// A graph to be launched is what was captured, once more.
RUNTIME(cudaGraphInstantiate)(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
    START();
    return *out = (cudaGraphExec_t) new Graph(*(Graph*)graph), cudaSuccess;
}
RUNTIME(cudaGraphInstantiateWithFlags)(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
    return imagined_cudaGraphInstantiate(out, graph, flags);
}
RUNTIME(cudaGraphLaunch)(cudaGraphExec_t launched, cudaStream_t handle) {
    START();
    auto copy = std::make_shared<Graph>(*(Graph*)launched);  // it may be destroyed before it is done
    return enqueue(find(handle), [copy] {
        for (auto& work : copy->works) work();
    });
}
RUNTIME(cudaGraphUpload)(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
RUNTIME(cudaGraphDestroy)(cudaGraph_t graph) {
    Guard guard(lock);
    delete (Graph*)graph;
    return cudaSuccess;
}
RUNTIME(cudaGraphExecDestroy)(cudaGraphExec_t launched) { return imagined_cudaGraphDestroy((cudaGraph_t)launched); }

}  // namespace imagined
