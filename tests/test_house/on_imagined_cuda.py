"""What the imagined CUDA makes of mistakes, one function each: what CuPy's caller sees, or an error's name.

    python -m tests.test_house.on_imagined_cuda "lazy a_kernel" "random:3 two_streams_in_order" ...

Each runs in a process of its own, for some lose the GPU; CuPy is imported once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import cupy
import numpy as np
from cupy.cuda import runtime

from tests.support import imagined_cuda

SIZE = 64  # bytes

KERNEL = 'extern "C" __global__ void put(float* out, float value) { out[threadIdx.x] = value; }'


def error(act: Callable[[], Any]) -> str:
    """CUDA's name of what it complains of, "" where it does not."""
    try:
        act()
    except (runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError) as why:
        return str(why).partition(":")[0]
    return ""


def first_byte(pointer: int) -> int:
    """After all work is done."""
    runtime.deviceSynchronize()
    found = np.zeros(1, np.uint8)
    runtime.memcpy(found.ctypes.data, pointer, 1, runtime.memcpyDeviceToHost)
    return int(found[0])


def _over_two_streams(wait: bool) -> int:
    one, other = (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
    source, target = cupy.cuda.alloc(SIZE), cupy.cuda.alloc(SIZE)
    runtime.memset(source.ptr, 1, SIZE)
    runtime.deviceSynchronize()
    runtime.memsetAsync(source.ptr, 2, SIZE, one.ptr)
    if wait:
        written = cupy.cuda.Event()
        written.record(one)
        other.wait_event(written)
    runtime.memcpyAsync(target.ptr, source.ptr, SIZE, runtime.memcpyDeviceToDevice, other.ptr)
    other.synchronize()
    return first_byte(target.ptr)


def two_streams_in_order() -> int:
    return _over_two_streams(wait=True)


def two_streams_without_a_wait() -> int:
    return _over_two_streams(wait=False)


def _from_pinned_memory(wait: bool) -> int:
    pinned, target = cupy.cuda.alloc_pinned_memory(SIZE), cupy.cuda.alloc(SIZE)
    stream, host = cupy.cuda.Stream(non_blocking=True), np.frombuffer(pinned, np.uint8, SIZE)
    host[:] = 1
    runtime.memcpyAsync(target.ptr, pinned.ptr, SIZE, runtime.memcpyHostToDevice, stream.ptr)
    if wait:
        stream.synchronize()
    host[:] = 2
    return first_byte(target.ptr)


def a_pinned_buffer_in_time() -> int:
    return _from_pinned_memory(wait=True)


def a_pinned_buffer_too_early() -> int:
    return _from_pinned_memory(wait=False)


def memory_during_a_capture() -> list[str]:
    stream = cupy.cuda.Stream(non_blocking=True)
    stream.begin_capture(runtime.streamCaptureModeThreadLocal)
    return [error(lambda: runtime.malloc(SIZE)), error(stream.end_capture)]


def waiting_during_a_capture() -> list[str]:
    stream, another = cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)
    stream.begin_capture(runtime.streamCaptureModeThreadLocal)
    return [error(another.synchronize), error(stream.end_capture)]


def a_stream_of_another_gpu() -> str:
    with cupy.cuda.Device(1):
        stream = cupy.cuda.Stream(non_blocking=True)
    target = cupy.cuda.alloc(SIZE)
    return error(lambda: runtime.memsetAsync(target.ptr, 1, SIZE, stream.ptr))


def a_copy_from_the_wrong_place() -> list[str]:
    host, there = np.zeros(SIZE, np.uint8), cupy.cuda.alloc(SIZE)
    kinds = [runtime.memcpyHostToDevice, runtime.memcpyDeviceToDevice]
    return [error(partial(runtime.memcpyAsync, there.ptr, host.ctypes.data, SIZE, k, 0)) for k in kinds]


def a_kernel() -> list[float]:
    out = cupy.empty(3, np.float32)
    cupy.RawModule(code=KERNEL).get_function("put")((1,), (3,), (out, np.float32(5)))
    return [float(value) for value in out.get()]


def a_kernel_on_the_hosts_memory() -> str:
    host = np.zeros(3, np.float32)
    put = cupy.RawModule(code=KERNEL).get_function("put")
    put((1,), (3,), (np.uint64(host.ctypes.data), np.float32(5)))
    return error(runtime.deviceSynchronize)


def a_graph_over_memory_that_was_given_back() -> str:
    stream, place = cupy.cuda.Stream(non_blocking=True), runtime.malloc(SIZE)
    stream.begin_capture()
    runtime.memsetAsync(place, 1, SIZE, stream.ptr)
    graph = stream.end_capture()
    runtime.free(place)
    graph.launch(stream)
    return error(stream.synchronize)


def what_nobody_has_written() -> str:
    return error(lambda: runtime.deviceGetDefaultMemPool(0))


def tell(order: str, name: str) -> None:
    """Print what is seen, as a line of JSON."""
    imagined_cuda.choose(order)
    print(json.dumps(globals()[name]()), flush=True)


def main() -> int:
    for asked in sys.argv[1:]:
        child = os.fork()
        if not child:
            tell(*asked.split())
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
