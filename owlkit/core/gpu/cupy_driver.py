"""The driver that CuPy serves: one GPU, its stream, and everything queued on it.

All of owlkit's work on a GPU is queued on one stream, an ordinary one: CUDA orders it with the default
stream, on which CuPy and PyTorch work unless told otherwise. What a Python layer computes, or is copied, on
another one is put in order by events (`in_order`). A capture happens on a stream of its own (`recording.py`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.compiling import compile_kernels
from owlkit.core.gpu.context import OUT_OF_MEMORY, Context
from owlkit.core.gpu.cublas import WORKSPACE, Cublas
from owlkit.core.gpu.cudnn import CupyCudnn
from owlkit.core.gpu.driver import Matrix
from owlkit.core.gpu.gpu import CaptureError, OutOfMemoryError
from owlkit.core.gpu.launching import CupyFunction
from owlkit.core.gpu.recording import CupyReplay, Recording
from owlkit.core.gpu.staging import LateReading, Readings, Staging
from owlkit.core.gpu.way import CupyWay

_PROPERTIES = {
    "total_memory": "totalGlobalMem",
    "multiprocessors": "multiProcessorCount",
    "l2_bytes": "l2CacheSize",
    "shared_bytes_per_block": "sharedMemPerBlockOptin",
    "threads_per_multiprocessor": "maxThreadsPerMultiProcessor",
    "memory_bus_bits": "memoryBusWidth",
}


class CupyBuffer:
    """Memory from CuPy's pool."""

    __slots__ = ("_owner", "pointer")

    def __init__(self, owner: Any) -> None:
        self._owner, self.pointer = owner, int(owner.ptr)


class CupyDriver:
    """`owlkit.core.gpu.driver.Driver` by CuPy 14 on GPU `number`.

    Raises DeviceError where CuPy cannot be imported or finds no such GPU.
    """

    def __init__(self, number: int = 0) -> None:
        self.context = context = Context(number)
        self.at_work, self._runtime = context.at_work, context.runtime
        self._recording = Recording(context)
        with self.at_work():
            self._staging = Staging(context)
            self._readings = Readings(context)
        self._held: deque[tuple[Any, Any]] = deque()
        self._letting_go = threading.RLock()
        self._cublas: Cublas | None = None
        self._cudnn: CupyCudnn | None = None
        self._lock = threading.Lock()

    @property
    def stream(self) -> int:
        """See `Driver.stream`."""
        return self.context.stream

    # -- what there is
    def properties(self) -> dict[str, Any]:
        """name, compute_capability, multiprocessors, sizes in bytes, versions of driver and runtime."""
        runtime = self._runtime
        with self.at_work():
            found = runtime.getDeviceProperties(self.context.number)
            versions = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        name = found["name"]
        told: dict[str, Any] = {"name": name.decode() if isinstance(name, bytes) else str(name)}
        told["compute_capability"] = int(found["major"]), int(found["minor"])
        told |= {ours: int(found[theirs]) for ours, theirs in _PROPERTIES.items()}
        for what, version in zip(("driver", "runtime"), versions, strict=True):
            told[what] = version // 1000, version % 1000 // 10
        return told

    def memory(self) -> tuple[int, int]:
        """Bytes (free, in all). Free is also what lies unused in CuPy's pool, within the limit set there."""
        pool = self.context.cupy.get_default_memory_pool()
        with self.at_work():
            free, total = self._runtime.memGetInfo()
            free += pool.free_bytes()
            limit = pool.get_limit()
            if limit:
                total = min(total, limit)
                free = min(free, limit - pool.used_bytes())
        return int(max(free, 0)), int(total)

    # -- memory
    def allocate(self, nbytes: int) -> CupyBuffer:
        """Memory from the pool that CuPy itself uses, whose limits hold; raises MemoryError."""
        context = self.context
        try:
            # The pool keeps blocks by stream: what is given back there is reused in the order of our stream.
            with self.at_work(), context.at_ease(), context.main:
                return CupyBuffer(context.cuda.alloc(nbytes))
        except DeviceError as error:  # where somebody has set another allocator than a pool
            if getattr(error.__cause__, "status", None) == OUT_OF_MEMORY:
                raise MemoryError(str(error.__cause__)) from error
            raise

    def upload(self, pointer: int, source: np.ndarray) -> None:
        """Copy an array of contiguous bytes through pinned memory, beside what the GPU computes."""
        with self.at_work():
            self._staging.upload(pointer, source.reshape(-1).view(np.uint8))

    def way(self, nbytes: int, hosts: int, buffers: int) -> CupyWay:
        """Pinned memory, buffers of the GPU, and a stream beside the main one."""
        return CupyWay(self.context, self._recording, nbytes, hosts, buffers)

    def download(self, target: np.ndarray, pointer: int) -> None:
        """Copy into an array of contiguous bytes, and wait for it."""
        runtime, main = self._runtime, self.context.main
        with self.at_work():
            kind = runtime.memcpyDeviceToHost
            runtime.memcpyAsync(target.ctypes.data, pointer, target.nbytes, kind, main.ptr)
            done = self.context.cuda.Event(disable_timing=True)
            done.record(main)
            done.synchronize()  # for this copy, not for what other threads queue meanwhile

    def read_later(self, pointer: int, nbytes: int) -> LateReading:
        """Queue a small copy to the host, and do not wait for it."""
        return self._readings.begin(pointer, nbytes)

    def zero(self, pointer: int, nbytes: int) -> None:
        """Queue setting bytes to 0."""
        with self.at_work():
            self._runtime.memsetAsync(pointer, 0, nbytes, self.stream)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Queue a copy within the GPU."""
        with self.at_work():
            kind = self._runtime.memcpyDeviceToDevice
            self._runtime.memcpyAsync(target, source, nbytes, kind, self.stream)

    def array(
        self, pointer: int, shape: tuple[int, ...], dtype: str, strides: tuple[int, ...], owner: Any
    ) -> Any:
        """A CuPy array over memory of the GPU. strides : in bytes."""
        cupy = self.context.cupy
        with self.at_work():
            kind = cupy.dtype(dtype)
            span = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + kind.itemsize
            memory = cupy.cuda.UnownedMemory(pointer, max(span, 0), owner, self.context.number)
            place = cupy.cuda.MemoryPointer(memory, 0)
            return cupy.ndarray(shape, kind, memptr=place, strides=strides)

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """See `Driver.in_order`. CUDA itself orders the default stream alone with ours."""
        if self.context.captures:  # CuPy's current stream is the one for captures
            yield
            return
        with self.at_work():
            main, theirs = self.context.main, self.context.cuda.get_current_stream()
        self._follow(theirs, main)
        try:
            yield
        finally:
            self._follow(main, theirs)

    def _follow(self, later: Any, earlier: Any) -> None:
        """Let a stream wait for what another one was given so far."""
        with self.at_work():
            so_far = self.context.cuda.Event(disable_timing=True)
            so_far.record(earlier)
            later.wait_event(so_far)

    def hold(self, owner: Any) -> None:
        """See `Driver.hold`; it is let go by a later call, or when somebody waits for the GPU."""
        if self.context.captures:  # what was queued may not be asked for now
            self._recording.afterwards(partial(self.hold, owner))
            return
        with self.at_work():
            self._let_go()
            done = self.context.cuda.Event(disable_timing=True)
            done.record(self.context.main)  # the current stream may be any, of a user's `with` block
            self._held.append((done, owner))

    def _let_go(self) -> None:
        free = []  # dropped when the lock is free again: what owners do at their end is not known
        with self._letting_go:
            while self._held and self._held[0][0].done:
                free.append(self._held.popleft())

    # -- kernels
    def compile(self, source: str, defines: dict[str, str], names: Sequence[str]) -> dict[str, CupyFunction]:
        """Compile with NVRTC; raises DeviceError."""
        return compile_kernels(self.context, source, defines, names)

    def gemm(
        self,
        shape: tuple[int, int, int],
        a: Matrix,
        b: Matrix,
        c: Matrix,
        *,
        dtype: str,
        beta: float = 0.0,
        stack: int = 1,
        tf32: bool = False,
    ) -> None:
        """c = a b + beta c by cuBLAS; see `Driver.gemm`."""
        with self.at_work():
            aside, products = self.context.captures, self._products()
            try:
                products.gemm(shape, a, b, c, dtype=dtype, beta=beta, stack=stack, tf32=tf32, aside=aside)
            except DeviceError as error:
                if aside:
                    raise CaptureError(f"a product cannot be captured: {error}") from error
                raise

    def _products(self) -> Cublas:
        if self._cublas is None:
            if self.context.captures:
                raise CaptureError("cuBLAS has to be opened before a capture")
            with self._lock:
                version = self._runtime.runtimeGetVersion() // 1000
                context, streams = self.context, (int(self.context.main.ptr), int(self.context.aside.ptr))
                try:
                    opened = self._cublas or Cublas(version, streams, self.allocate, context.unbroken)
                    self._cublas = opened
                except MemoryError as error:
                    raise OutOfMemoryError(WORKSPACE, *self.memory()) from error
        return self._cublas

    def cudnn(self) -> CupyCudnn:
        """cuDNN, opened on first use; see `Driver.cudnn`."""
        with self._lock:
            if self._cudnn is None:
                self._cudnn = CupyCudnn(self.context, self.properties())
        return self._cudnn

    # -- CUDA graphs
    def begin_capture(self) -> None:
        """From now on what this thread launches is recorded; see `Recording.begin`."""
        self._recording.begin()

    def end_capture(self) -> CupyReplay:
        """What was recorded; raises CaptureError where CUDA has given it up."""
        return self._recording.end()

    def synchronize(self) -> None:
        """Wait for all that is queued; raises DeviceError where some of it failed."""
        with self.at_work():
            self.context.main.synchronize()
            self._let_go()
