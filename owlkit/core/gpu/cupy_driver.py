"""The driver that CuPy serves: one GPU, its stream, and everything queued on it.

All of owlkit's work on a GPU is queued on one stream, an ordinary one: CUDA orders it with the default
stream, on which CuPy and PyTorch work unless told otherwise, so what a Python layer computes there needs no
waiting by hand. A capture happens on a stream of its own, which only the capturing thread uses: what other
threads launch meanwhile runs, and does not end up in the graph.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.cublas import Cublas
from owlkit.core.gpu.cudnn import CupyCudnn
from owlkit.core.gpu.driver import Matrix
from owlkit.core.gpu.gpu import CaptureError
from owlkit.core.gpu.launching import CupyFunction
from owlkit.core.gpu.staging import LateReading, Readings, Staging

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation
_HEADERS = {"__half": "cuda_fp16.h", "__nv_bfloat16": "cuda_bf16.h"}
_PROPERTIES = {
    "total_memory": "totalGlobalMem",
    "multiprocessors": "multiProcessorCount",
    "l2_bytes": "l2CacheSize",
    "shared_bytes_per_block": "sharedMemPerBlockOptin",
    "threads_per_multiprocessor": "maxThreadsPerMultiProcessor",
    "memory_bus_bits": "memoryBusWidth",
}


class _Thread(threading.local):
    """What is known of the calling thread. ready : whether the GPU's context is current in it."""

    ready = False


class CupyBuffer:
    """Memory from CuPy's pool."""

    __slots__ = ("_owner", "pointer")

    def __init__(self, owner: Any) -> None:
        self._owner, self.pointer = owner, int(owner.ptr)


class CupyWay:
    """A way for batches: see `Way`. arrived : the GPU's buffer is filled. taken : it may be filled again.

    An event that was never recorded counts as past.
    """

    def __init__(self, driver: CupyDriver, nbytes: int) -> None:
        self._driver, self._nbytes, cuda = driver, nbytes, driver.cuda
        with driver.at_work():
            self._pinned = cuda.alloc_pinned_memory(nbytes)
            self._stream = cuda.Stream(non_blocking=True)
            with self._stream:
                self._buffer = cuda.alloc(nbytes)
            self._arrived, self._taken = cuda.Event(disable_timing=True), cuda.Event(disable_timing=True)
            self._taken.record(driver.main)  # queued work may read a former way's buffer, now this one's
        self.host = np.frombuffer(self._pinned, np.uint8, nbytes)

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)  # absent where there was too little memory for a way
        if stream is not None:
            self._driver.part_with(stream, self._pinned, getattr(self, "_buffer", None))

    def wait(self) -> None:
        """Wait until the last `send` has read `host`."""
        with self._driver.at_work():
            self._arrived.synchronize()

    def send(self) -> None:
        """Begin to copy `host` to the GPU's buffer, once that was received."""
        runtime, stream = self._driver.runtime, self._stream
        with self._driver.at_work():
            stream.wait_event(self._taken)
            kind = runtime.memcpyHostToDevice
            runtime.memcpyAsync(self._buffer.ptr, self._pinned.ptr, self._nbytes, kind, stream.ptr)
            self._arrived.record(stream)

    def receive(self, pointer: int, nbytes: int) -> None:
        """Queue a copy of the GPU's buffer, when it has arrived, to an address there."""
        runtime, main = self._driver.runtime, self._driver.main
        with self._driver.at_work():
            main.wait_event(self._arrived)
            kind = runtime.memcpyDeviceToDevice
            runtime.memcpyAsync(pointer, self._buffer.ptr, nbytes, kind, main.ptr)
            self._taken.record(main)


class CupyReplay:
    """A captured graph."""

    def __init__(self, driver: CupyDriver, graph: Any) -> None:
        self._driver, self._graph = driver, graph

    def launch(self) -> None:
        """Queue all of it, behind what is queued already."""
        with self._driver.at_work():
            self._graph.launch(self._driver.main)


class CupyDriver:
    """`owlkit.core.gpu.driver.Driver` by CuPy 14 on GPU `number`.

    runtime, launcher : CuPy's bindings of CUDA's runtime and driver. main : the stream.
    Raises DeviceError where CuPy cannot be imported or finds no such GPU.
    """

    def __init__(self, number: int = 0) -> None:
        try:
            import cupy
            from cupy_backends.cuda.api import driver, runtime
        except ImportError as error:
            raise DeviceError(
                f"CuPy cannot be imported ({error}); pip install 'owlkit[gpu]' (CUDA 13) or 'owlkit[gpu12]'"
            ) from error
        self.number, self.runtime, self.launcher = number, runtime, driver
        self._cupy, self.cuda = cupy, cupy.cuda
        self.errors = (runtime.CUDARuntimeError, driver.CUDADriverError)
        self._thread = _Thread()
        self._capturing: int | None = None  # the thread that captures
        self._left = ExitStack()
        with self.at_work():
            self.main = cupy.cuda.Stream()
            self._aside = cupy.cuda.Stream(non_blocking=True)  # for captures
            self._staging = Staging(cupy, runtime, self.main)
            self._readings = Readings(cupy, runtime, self.main, self.at_work)
        self._cublas: Cublas | None = None
        self._cudnn: CupyCudnn | None = None
        self._lock = threading.Lock()

    # -- the calling thread
    def enter(self) -> int:
        """Make the GPU current in the calling thread; returns the one that was."""
        before = self.runtime.getDevice()
        if before != self.number or not self._thread.ready:
            self.runtime.setDevice(self.number)
            self.runtime.memGetInfo()  # a kernel's launch needs the context, which setDevice may put off
            self._thread.ready = True
        return int(before)

    def leave(self, before: int) -> None:
        """Make the GPU current that was."""
        if before != self.number:
            self.runtime.setDevice(before)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """With the GPU current, and CUDA's errors as DeviceErrors."""
        try:
            before = self.enter()
            try:
                yield
            finally:
                self.leave(before)
        except self.errors as error:
            raise self.explained(error) from error

    def explained(self, error: Exception) -> DeviceError:
        """What CUDA complains of, as a DeviceError; a CaptureError while this thread captures."""
        if self._capturing == threading.get_ident():
            return CaptureError(f"CUDA refuses a call during the capture: {error}")
        return DeviceError(
            f"GPU {self.number}: {error}. An error in a kernel shows at a later call, and the process has to "
            "be started again; CUDA_LAUNCH_BLOCKING=1 shows where it happens"
        )

    @property
    def stream(self) -> int:
        """The CUDA stream that the calling thread queues on, for libraries that want to know."""
        own = self._capturing == threading.get_ident()
        return int(self._aside.ptr if own else self.main.ptr)

    # -- what there is
    def properties(self) -> dict[str, Any]:
        """name, compute_capability, multiprocessors, sizes in bytes, versions of driver and runtime."""
        with self.at_work():
            found = self.runtime.getDeviceProperties(self.number)
            versions = self.runtime.driverGetVersion(), self.runtime.runtimeGetVersion()
        name = found["name"]
        told: dict[str, Any] = {"name": name.decode() if isinstance(name, bytes) else str(name)}
        told["compute_capability"] = int(found["major"]), int(found["minor"])
        told |= {ours: int(found[theirs]) for ours, theirs in _PROPERTIES.items()}
        for what, version in zip(("driver", "runtime"), versions, strict=True):
            told[what] = version // 1000, version % 1000 // 10
        return told

    def memory(self) -> tuple[int, int]:
        """Bytes (free, in all). Free is also what lies unused in CuPy's pool, within the limit set there."""
        pool = self._cupy.get_default_memory_pool()
        with self.at_work():
            free, total = self.runtime.memGetInfo()
            free += pool.free_bytes()
            limit = pool.get_limit()
            if limit:
                total = min(total, limit)
                free = min(free, limit - pool.used_bytes())
        return int(max(free, 0)), int(total)

    # -- memory
    def allocate(self, nbytes: int) -> CupyBuffer:
        """Memory from the pool that CuPy itself uses, whose limits hold; raises MemoryError."""
        try:
            # The pool keeps blocks by stream: what is given back there is reused in the order of our stream.
            with self.at_work(), self.main:
                return CupyBuffer(self._cupy.cuda.alloc(nbytes))
        except DeviceError as error:
            if getattr(error.__cause__, "status", None) == _OUT_OF_MEMORY:
                raise MemoryError(str(error.__cause__)) from error
            raise

    def upload(self, pointer: int, source: np.ndarray) -> None:
        """Copy an array of contiguous bytes through pinned memory, beside what the GPU computes."""
        with self.at_work():
            self._staging.upload(pointer, source.reshape(-1).view(np.uint8))

    def way(self, nbytes: int) -> CupyWay:
        """Pinned memory, a buffer of the GPU, and a stream beside the main one."""
        return CupyWay(self, nbytes)

    def download(self, target: np.ndarray, pointer: int) -> None:
        """Copy into an array of contiguous bytes, and wait for it."""
        with self.at_work():
            kind = self.runtime.memcpyDeviceToHost
            address = target.ctypes.data
            self.runtime.memcpyAsync(address, pointer, target.nbytes, kind, self.main.ptr)
            done = self.cuda.Event(disable_timing=True)
            done.record(self.main)
            done.synchronize()  # for this copy, not for what other threads queue meanwhile

    def read_later(self, pointer: int, nbytes: int) -> LateReading:
        """Queue a small copy to the host, and do not wait for it."""
        return self._readings.begin(pointer, nbytes)

    def zero(self, pointer: int, nbytes: int) -> None:
        """Queue setting bytes to 0."""
        with self.at_work():
            self.runtime.memsetAsync(pointer, 0, nbytes, self.stream)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Queue a copy within the GPU."""
        with self.at_work():
            kind = self.runtime.memcpyDeviceToDevice
            self.runtime.memcpyAsync(target, source, nbytes, kind, self.stream)

    def array(
        self, pointer: int, shape: tuple[int, ...], dtype: str, strides: tuple[int, ...], owner: Any
    ) -> Any:
        """A CuPy array over memory of the GPU. strides : in bytes."""
        cupy = self._cupy
        with self.at_work():
            kind = cupy.dtype(dtype)
            span = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + kind.itemsize
            memory = cupy.cuda.UnownedMemory(pointer, max(span, 0), owner, self.number)
            place = cupy.cuda.MemoryPointer(memory, 0)
            return cupy.ndarray(shape, kind, memptr=place, strides=strides)

    def part_with(self, stream: Any, *memory: Any) -> None:
        """Hold `memory` until `stream` has done what it was given: the pools would lend it again at once.

        Whoever is dropped calls this, at any moment. In a capture nobody may wait: it is done at its end.
        """
        if self._capturing == threading.get_ident():
            self._left.callback(self.part_with, stream, *memory)
            return
        # What the GPU has failed at shows where somebody asks for the result.
        with suppress(DeviceError), self.at_work():
            stream.synchronize()

    # -- kernels
    def compile(self, source: str, defines: dict[str, str], names: Sequence[str]) -> dict[str, CupyFunction]:
        """Compile with NVRTC; CuPy keeps what was compiled on disk. Raises DeviceError."""
        with self.at_work():
            module = self._cupy.RawModule(code=whole_source(source, defines), options=("--std=c++17",))
            try:
                return {name: CupyFunction(self, module.get_function(name)) for name in names}
            except self._cupy.cuda.compiler.CompileException as error:
                raise DeviceError(f"kernels do not compile: {error}") from error

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
            aside, products = self._capturing == threading.get_ident(), self._products()
            try:
                products.gemm(shape, a, b, c, dtype=dtype, beta=beta, stack=stack, tf32=tf32, aside=aside)
            except DeviceError as error:
                if aside:
                    raise CaptureError(f"a product cannot be captured: {error}") from error
                raise

    def _products(self) -> Cublas:
        if self._cublas is None:
            if self._capturing == threading.get_ident():
                raise CaptureError("cuBLAS has to be opened before a capture")
            with self._lock:
                version = self.runtime.runtimeGetVersion() // 1000
                streams = int(self.main.ptr), int(self._aside.ptr)
                self._cublas = self._cublas or Cublas(version, streams, self.allocate)
        return self._cublas

    def cudnn(self) -> CupyCudnn:
        """cuDNN, opened on first use; see `Driver.cudnn`."""
        with self._lock:
            if self._cudnn is None:
                self._cudnn = CupyCudnn(self)
        return self._cudnn

    # -- CUDA graphs
    def begin_capture(self) -> None:
        """From now on what this thread launches is recorded, CuPy's own kernels included.

        Only unsafe calls of this thread are refused (thread-local mode): the global mode would forbid them to
        all, as a data layer's thread that takes memory; the relaxed mode would let this one take memory that
        the graph does not own.
        """
        with self.at_work():
            self.main.synchronize()
            self._left.enter_context(self._aside)  # CuPy's current stream, for a Python layer's kernels
            try:
                self._aside.begin_capture(self.runtime.streamCaptureModeThreadLocal)
            except BaseException:
                self._left.close()
                raise
            self._capturing = threading.get_ident()

    def end_capture(self) -> CupyReplay:
        """What was recorded; raises CaptureError where CUDA has given it up."""
        try:
            with self.at_work():
                return CupyReplay(self, self._aside.end_capture())
        finally:
            self._capturing = None
            self._left.close()

    def synchronize(self) -> None:
        """Wait for all that is queued; raises DeviceError where some of it failed."""
        with self.at_work():
            self.main.synchronize()


def whole_source(source: str, defines: dict[str, str]) -> str:
    """A source as NVRTC takes it: macros, and the headers of the types that they name."""
    headers = [header for kind, header in _HEADERS.items() if kind in defines.values()]
    lines = [f"#include <{header}>" for header in headers]
    # NVRTC has no math.h, whose functions it knows but not these.
    for name, bits in (("INFINITY", 0x7F800000), ("NAN", 0x7FFFFFFF)):
        lines.append(f"#ifndef {name}\n#define {name} __int_as_float({bits:#x})\n#endif")
    lines += [f"#define {name} {value}" for name, value in defines.items()]
    return "\n".join([*lines, source])
