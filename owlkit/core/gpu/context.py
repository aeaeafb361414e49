"""Context: one GPU as threads use it, its two streams, and what CUDA complains of in words."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.gpu import CaptureError

INSTALL = "pip install 'owlkit[gpu]' (CUDA 13) or 'owlkit[gpu12]'"
OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation, CUDA_ERROR_OUT_OF_MEMORY
#: What to do, by the numbers that errors have in CUDA's runtime and driver alike.
_ADVICE = {
    OUT_OF_MEMORY: "the GPU has too little memory, or the host, which holds batches on their way (pinned)",
    3: "CUDA cannot be used in a process that was forked from one that uses it: start it by 'spawn'",
    35: "CuPy wants a newer driver: update NVIDIA's, or for one of CUDA 12 pip install 'owlkit[gpu12]'",
    46: "another program has the GPU for itself",
    100: "no GPU can be seen; CUDA_VISIBLE_DEVICES may hide it",
    101: "there is no such GPU; CUDA_VISIBLE_DEVICES may hide it",
    209: "CuPy or cuDNN was not made for this GPU: install a newer one",
}
#: Errors of kernels and of memory, after which CUDA refuses the process all further work.
_LOST = {214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721}
_WHEN_LOST = (
    "An error in a kernel shows at a later call, and the process has to be started again; "
    "CUDA_LAUNCH_BLOCKING=1 shows where it happens"
)
_RELAXED = 2  # CU_STREAM_CAPTURE_MODE_RELAXED


def libcuda() -> Any:
    """NVIDIA's driver, for what CuPy does not bind."""
    return ctypes.CDLL("libcuda.so.1")


def _has_context(number: int) -> bool:
    """Whether CUDA's runtime has a context on a GPU in this process; asking makes none."""
    cuda, gpu, flags, active = libcuda(), ctypes.c_int(), ctypes.c_uint(), ctypes.c_int()
    failed = cuda.cuDeviceGet(ctypes.byref(gpu), number) or cuda.cuDevicePrimaryCtxGetState(
        gpu, ctypes.byref(flags), ctypes.byref(active)
    )
    return bool(failed or active.value)  # where it cannot be asked, the GPU that was is to be current again


class _Thread(threading.local):
    """What is known of the calling thread. ready : whether the GPU's context is current in it."""

    ready = False


class _AtWork(AbstractContextManager[None]):
    """See `Context.at_work`: a class, for contextlib's would make a generator eight times in an iteration."""

    __slots__ = ("_before", "_context")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        context = self._context
        try:
            self._before = context.enter()
        except context.errors as error:
            raise context.explained(error) from error

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        context = self._context
        try:
            context.leave(self._before)
        except context.errors as refused:
            raise context.explained(refused) from refused
        if isinstance(error, context.errors):
            raise context.explained(error) from error


class Context:
    """GPU `number` by CuPy.

    cupy, cuda, runtime, launcher : CuPy, and its bindings of CUDA's runtime and driver. main : the stream on
    which all is queued. aside : the one for captures. capturer : the thread that captures. errors : CUDA's.
    unbroken : to be held while something is queued within which no other thread's work may come.
    Raises DeviceError where CuPy cannot be imported or finds no such GPU.
    """

    def __init__(self, number: int) -> None:
        try:
            import cupy
            from cupy_backends.cuda.api import driver, runtime
        except (ImportError, OSError, RuntimeError) as error:  # a folder for its cache, CUDA's libraries
            raise DeviceError(f"CuPy cannot be imported ({error}); {INSTALL}") from error
        self.number, self.runtime, self.launcher = number, runtime, driver
        self.cupy, self.cuda = cupy, cupy.cuda
        self.errors = (runtime.CUDARuntimeError, driver.CUDADriverError)
        self._thread = _Thread()
        self._in_use: set[int] = set()  # other GPUs on which this process has a context
        self.capturer: int | None = None
        self.unbroken = threading.Lock()
        with self.at_work():
            self.main = cupy.cuda.Stream()
            self.aside = cupy.cuda.Stream(non_blocking=True)

    def enter(self) -> int:
        """Make the GPU current in the calling thread; returns the one that was."""
        before = self.runtime.getDevice()
        if before != self.number or not self._thread.ready:
            self.runtime.setDevice(self.number)
            self.runtime.memGetInfo()  # a kernel's launch needs the context, which setDevice may put off
            self._thread.ready = True
        return int(before)

    def leave(self, before: int) -> None:
        """Make the GPU current that was, unless nobody has used it yet: this one stays so then.

        Since CUDA 12 making a GPU current gives it a context, some 0.5 GB of its memory: on a machine with
        two, where only the second is used, the first would have one merely because threads begin there.
        """
        if before != self.number and self._uses(before):
            self.runtime.setDevice(before)

    def _uses(self, number: int) -> bool:
        """Whether this process has a context on GPU `number`."""
        if number not in self._in_use and _has_context(number):
            self._in_use.add(number)
        return number in self._in_use

    def at_work(self) -> AbstractContextManager[None]:
        """With the GPU current, and CUDA's errors as DeviceErrors."""
        return _AtWork(self)

    def explained(self, error: Exception) -> DeviceError:
        """What CUDA complains of, as a DeviceError; a CaptureError while this thread captures."""
        if self.captures:
            return CaptureError(f"CUDA refuses a call during the capture: {error}")
        status = getattr(error, "status", None)  # cuDNN's have none
        advice = _WHEN_LOST if status is None or status in _LOST else _ADVICE.get(status, "")
        return DeviceError(f"GPU {self.number}: {error}" + (f". {advice}" if advice else ""))

    @contextmanager
    def at_ease(self) -> Iterator[None]:
        """Where the calling thread captures: let it make calls that CUDA refuses then, as taking memory."""
        if not self.captures:
            yield
            return
        mode, exchange = ctypes.c_int(_RELAXED), libcuda().cuThreadExchangeStreamCaptureMode
        exchange(ctypes.byref(mode))
        try:
            yield
        finally:
            exchange(ctypes.byref(mode))  # what was

    @property
    def captures(self) -> bool:
        """Whether the calling thread captures."""
        return self.capturer == threading.get_ident()

    @property
    def stream(self) -> int:
        """The CUDA stream that the calling thread queues on, for libraries that want to know."""
        return int(self.aside.ptr if self.captures else self.main.ptr)
