"""As much of CUDA and of CuPy as the driver asks for, with the host's memory in place of a GPU's.

Streams are queues that do nothing until somebody waits, and then one runs as far ahead of the others as it
can: which one, is chosen. What is not ordered by an event or a stream shows as a wrong result. Calls from a
thread in which the GPU is not current, and unsafe ones while it captures, fail as CUDA's do.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from owlkit.core.gpu import context


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class CUDADriverError(RuntimeError):
    pass


class CompileException(Exception):
    pass


class OutOfMemoryError(MemoryError):
    """CuPy's, of its pool."""


class Event:
    """at : how many operations of the stream it was recorded on had run before it."""

    def __init__(self, cuda: FakeCuda, timing: bool = True) -> None:
        self.cuda, self.recorded, self.passed = cuda, 0, 0
        self.timing, self.at = timing, 0

    def record(self, stream: Stream) -> None:
        self.recorded += 1
        number = self.recorded
        stream.queue(lambda: self._pass(number, stream))

    def _pass(self, number: int, stream: Stream) -> None:
        self.passed, self.at = number, stream.ran

    @property
    def done(self) -> bool:
        return self.passed >= self.recorded

    def synchronize(self) -> None:
        self.cuda.run_until(lambda: self.done)


class Stream:
    """ptr : its handle. flags : whether it is a non-blocking one."""

    def __init__(self, cuda: FakeCuda, non_blocking: bool) -> None:
        self.cuda, self.non_blocking = cuda, non_blocking
        self.ptr = next(cuda.handles)
        self.ran = 0  # operations
        self.operations: deque[Callable[[], Any]] = deque()
        self.recording: list[Callable[[], Any]] | None = None
        cuda.streams[self.ptr] = self

    def queue(self, operation: Callable[[], Any]) -> None:
        (self.operations if self.recording is None else self.recording).append(operation)

    def wait_event(self, event: Event) -> None:
        number = event.recorded
        self.queue(lambda: event.passed >= number)

    def advance(self) -> bool:
        """Run the next operation; False where it has to wait, or there is none."""
        if not self.operations or self.operations[0]() is False:
            return False
        self.operations.popleft()
        self.ran += 1
        return True

    def synchronize(self) -> None:
        assert self.recording is None, "waiting for a stream that captures"
        self.cuda.run_until(lambda: not self.operations)

    def begin_capture(self, mode: int) -> None:
        assert mode == 1, "thread-local"
        self.recording, self.cuda.capturer = [], threading.get_ident()

    def end_capture(self) -> Graph:
        assert self.recording is not None
        recorded, self.recording, self.cuda.capturer = self.recording, None, None
        if self.cuda.void:
            self.cuda.void = False
            raise CUDARuntimeError(901, "cudaErrorStreamCaptureInvalidated: operation failed")
        return Graph(recorded)

    def __enter__(self) -> Stream:
        self.cuda.own()
        self.cuda.current.append(self)
        return self

    def __exit__(self, *args: Any) -> None:
        self.cuda.own()  # CuPy asks which GPU is current, to set its stream back
        assert self.cuda.current.pop() is self


class Graph:
    def __init__(self, operations: list[Callable[[], Any]]) -> None:
        self.operations = operations

    def launch(self, stream: Stream) -> None:
        for operation in self.operations:
            stream.queue(operation)


class Copy:
    """A copy in a stream: it touches memory for as long as it waits there."""

    def __init__(self, target: int, source: int, nbytes: int) -> None:
        self.places, self.nbytes = (target, source), nbytes

    def __call__(self) -> None:
        ctypes.memmove(*self.places, self.nbytes)

    def touches(self, start: int, nbytes: int) -> bool:
        return any(place < start + nbytes and start < place + self.nbytes for place in self.places)


class Memory:
    """used : goes down when it is dropped."""

    def __init__(self, cuda: FakeCuda, nbytes: int, what: str) -> None:
        self._raw = np.full(nbytes + 256, 0xFF, np.uint8)
        self.ptr = self._raw.ctypes.data + -self._raw.ctypes.data % 256
        self._cuda, self._what, self._nbytes = cuda, what, nbytes
        cuda.used[what] += nbytes

    def __del__(self) -> None:
        self._cuda.used[self._what] -= self._nbytes
        self._cuda.given_back(self.ptr, self._nbytes)


class FakeCuda:
    """A GPU whose number is `number`.

    newest_first : which of the streams runs ahead. used : bytes taken, by kind. launches : (kernel, grid,
    block, shared). without_pool : nobody has set a pool of CuPy's. without_nvrtc : it is not installed.
    given_back_early : addresses of memory that was dropped while a copy waited to use it: the pools lend it
    again at once. That of the GPU goes round in the main stream's order, and is safe there.
    contexts : numbers of the GPUs that have one.
    """

    def __init__(self, number: int = 0, total: int = 1 << 30, newest_first: bool = False) -> None:
        self.number, self.total, self.limit, self.newest_first = number, total, 0, newest_first
        self.without_pool, self.without_nvrtc = False, False
        self.handles = itertools.count(0x1000, 0x10)
        self.streams: dict[int, Stream] = {}
        self.current: list[Stream] = []
        self.used = {"device": 0, "pinned": 0}
        self.kernels: dict[int, tuple[str, Callable[..., None]]] = {}
        self.launches: list[tuple[Any, ...]] = []
        self.compiled: list[tuple[str, tuple[str, ...]]] = []
        self.permitted: list[tuple[int, ...]] = []
        self.capturer: int | None = None
        self.void, self.mode = False, 1  # of the thread that captures: thread-local
        self.given_back_early: list[int] = []
        self.pinned: dict[int, int] = {}  # address -> bytes
        self._devices = threading.local()
        self.contexts: set[int] = set()  # GPUs that have one

    def given_back(self, start: int, nbytes: int) -> None:
        pinned = self.pinned.pop(start, None) is not None
        streams = (stream for stream in self.streams.values() if pinned or stream.non_blocking)
        waiting = (operation for stream in streams for operation in stream.operations)
        if any(isinstance(operation, Copy) and operation.touches(start, nbytes) for operation in waiting):
            self.given_back_early.append(start)

    # -- time
    def run_until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            streams = list(self.streams.values())
            if not any(stream.advance() for stream in streams[:: -1 if self.newest_first else 1]):
                raise AssertionError("streams wait for each other for ever")

    @staticmethod
    def elapsed(start: Event, end: Event) -> float:
        """A millisecond for each operation between two events of a stream."""
        assert start.timing, "an event without time"
        assert end.timing, "an event without time"
        assert end.done, "the end is not reached"
        return float(end.at - start.at - 1)

    def own(self) -> None:
        """Fail unless the GPU is current in this thread."""
        if getattr(self._devices, "number", 0) != self.number or not getattr(self._devices, "ready", False):
            raise CUDADriverError("CUDA_ERROR_INVALID_CONTEXT: invalid device context")

    def safe(self) -> None:
        if self.capturer == threading.get_ident() and self.mode != 2:
            self.void = True
            raise CUDARuntimeError(900, "cudaErrorStreamCaptureUnsupported: not permitted")

    def libcuda(self) -> SimpleNamespace:
        """NVIDIA's driver, as far as CuPy does not bind it."""

        def exchange(mode: Any) -> int:
            mode._obj.value, self.mode = self.mode, mode._obj.value
            return 0

        def get(gpu: Any, number: int) -> int:
            gpu._obj.value = number
            return 0

        def state(gpu: ctypes.c_int, flags: Any, active: Any) -> int:
            active._obj.value = gpu.value in self.contexts
            return 0

        return SimpleNamespace(
            cuThreadExchangeStreamCaptureMode=exchange, cuDeviceGet=get, cuDevicePrimaryCtxGetState=state
        )

    # -- the runtime
    def runtime(self) -> SimpleNamespace:
        kinds = {"memcpyHostToDevice": 1, "memcpyDeviceToHost": 2, "memcpyDeviceToDevice": 3}
        return SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            **kinds,
            streamCaptureModeThreadLocal=1,
            getDevice=lambda: getattr(self._devices, "number", 0),
            setDevice=self._set_device,
            memGetInfo=self._memory,
            memcpyAsync=self._copy,
            memsetAsync=self._set,
            getDeviceProperties=lambda number: self._properties(),
            driverGetVersion=lambda: 13000,
            runtimeGetVersion=lambda: 13020,
        )

    def _set_device(self, number: int) -> None:
        """Since CUDA 12 this makes a context at once."""
        self._devices.number = number
        self.contexts.add(number)

    def _memory(self) -> tuple[int, int]:
        self._devices.ready = True
        return self.total - self.used["device"], self.total

    def _copy(self, target: int, source: int, nbytes: int, kind: int, stream: int) -> None:
        self.own()
        if kind == 2 and not self._is_pinned(target):  # returns when it has been done
            self.safe()
            self.streams[stream].synchronize()
            ctypes.memmove(target, source, nbytes)
            return
        self.streams[stream].queue(Copy(target, source, nbytes))

    def _is_pinned(self, address: int) -> bool:
        return any(start <= address < start + nbytes for start, nbytes in self.pinned.items())

    def _set(self, pointer: int, value: int, nbytes: int, stream: int) -> None:
        self.own()
        self.streams[stream].queue(lambda: ctypes.memset(pointer, value, nbytes) and None)

    @staticmethod
    def _properties() -> dict[str, Any]:
        numbers = dict(
            totalGlobalMem=80 << 30, multiProcessorCount=132, l2CacheSize=50 << 20, major=9, minor=0
        )
        numbers |= dict(sharedMemPerBlockOptin=232448, maxThreadsPerMultiProcessor=2048, memoryBusWidth=5120)
        return {"name": b"NVIDIA H100 80GB HBM3", **numbers}

    # -- the driver
    def launcher(self) -> SimpleNamespace:
        return SimpleNamespace(
            CUDADriverError=CUDADriverError,
            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES=8,
            launchKernel=self._launch,
            funcSetAttribute=lambda *what: self.permitted.append(what),
        )

    def _launch(self, function: int, *rest: int) -> None:
        self.own()
        gx, gy, gz, bx, by, bz, shared, stream, parameters, extra = rest
        assert extra == 0
        name, kernel = self.kernels[function]
        self.launches.append((name, (gx, gy, gz), (bx, by, bz), shared))
        work = kernel(parameters)  # reads its arguments now, as CUDA does
        self.streams[stream].queue(work)

    # -- CuPy
    def alloc(self, nbytes: int) -> Memory:
        self.own()
        self.safe()
        assert self.current, "memory from the pool of another stream"
        if self.used["device"] + nbytes > (self.limit or self.total):
            if self.without_pool:
                raise CUDARuntimeError(2, "cudaErrorMemoryAllocation: out of memory")
            raise OutOfMemoryError(f"Out of memory allocating {nbytes} bytes")
        return Memory(self, nbytes, "device")

    def raw_module(self, *, code: str, options: tuple[str, ...]) -> SimpleNamespace:
        self.own()
        self.compiled.append((code, options))

        def get_function(name: str) -> SimpleNamespace:
            if self.without_nvrtc:
                raise RuntimeError('Failure finding "libnvrtc.so.13"')
            if "SYNTAX" in code:
                raise CompileException("error: SYNTAX is undefined")
            handle = next(h for h, (known, _) in self.kernels.items() if known == name)
            return SimpleNamespace(kernel=SimpleNamespace(ptr=handle))

        return SimpleNamespace(get_function=get_function)

    def modules(self) -> dict[str, ModuleType]:
        """What stands in sys.modules for CuPy."""
        pool = SimpleNamespace(
            free_bytes=lambda: 0, get_limit=lambda: self.limit, used_bytes=lambda: self.used["device"]
        )
        default = Stream(self, non_blocking=False)
        cuda = SimpleNamespace(
            Stream=lambda non_blocking=False: Stream(self, non_blocking),
            Event=lambda disable_timing=False: Event(self, timing=not disable_timing),
            get_elapsed_time=self.elapsed,
            get_current_stream=lambda: self.current[-1] if self.current else default,
            alloc=self.alloc,
            alloc_pinned_memory=lambda nbytes: Pinned(self, nbytes),
            UnownedMemory=lambda pointer, size, owner, device: (pointer, size, owner, device),
            MemoryPointer=lambda memory, offset: memory,
            compiler=SimpleNamespace(CompileException=CompileException),
        )
        cupy = ModuleType("cupy")
        cupy.__dict__.update(cuda=cuda, get_default_memory_pool=lambda: pool, RawModule=self.raw_module)
        cupy.__dict__.update(dtype=np.dtype, ndarray=_array)
        api = ModuleType("cupy_backends.cuda.api")
        api.__dict__.update(driver=self.launcher(), runtime=self.runtime())
        names = ("cupy_backends", "cupy_backends.cuda")
        return {"cupy": cupy, "cupy_backends.cuda.api": api} | {name: ModuleType(name) for name in names}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
        """Let `import cupy` find this."""
        for name, module in self.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(context, "libcuda", self.libcuda)
        return self


class Pinned(np.ndarray):
    """Pinned memory: a buffer that knows its address."""

    ptr: int

    def __new__(cls, cuda: FakeCuda, nbytes: int) -> Pinned:
        cuda.used["pinned"] += nbytes
        array = np.full(nbytes, 0xEE, np.uint8).view(cls)
        array.ptr = array.ctypes.data
        cuda.pinned[array.ptr] = nbytes
        weakref.finalize(array, cuda.given_back, array.ptr, nbytes).atexit = False
        return array


def _array(shape: Any, dtype: Any, memptr: Any, strides: Any) -> np.ndarray:
    pointer, size, _, _ = memptr
    raw = np.frombuffer((ctypes.c_uint8 * size).from_address(pointer), np.uint8)
    return np.lib.stride_tricks.as_strided(raw.view(dtype), shape, strides)
