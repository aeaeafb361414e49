"""The driver of the stand-in: `owlkit.core.gpu.driver.Driver` on the CPU."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.driver import SMALL, Matrix
from tests.support.emulated_gpu.compiler import compile_kernels
from tests.support.emulated_gpu.pointers import Pointers

TYPES = {name: np.dtype(name) for name in ("float16", "float32", "float64")} | {
    "bfloat16": np.dtype(ml_dtypes.bfloat16)
}


#: What threads launch runs one by one, as in a stream; of all drivers, which have the same kernels.
_stream = threading.RLock()


def at(pointer: int, nbytes: int) -> np.ndarray:
    """The bytes at an address, (nbytes,) uint8."""
    return np.frombuffer((ctypes.c_uint8 * nbytes).from_address(pointer), np.uint8)


class EmulatedBuffer:
    def __init__(self, driver: EmulatedDriver, nbytes: int) -> None:
        raw = np.full(nbytes + 256, 0xFF, np.uint8)  # NaN in every type: what was never written is seen
        self._raw, self._driver, self.nbytes = raw, driver, nbytes
        self.pointer = raw.ctypes.data + -raw.ctypes.data % 256
        driver.used += nbytes

    def __del__(self) -> None:
        self._driver.used -= self.nbytes


class EmulatedWay:
    """What is reused too early gives wrong values. A copy over the bus takes as long as it may: until
    somebody waits for it or receives it, and only then is the host's memory read. But from its beginning on
    the buffer of the GPU holds NaN, and what lay there or was on its way there is lost.
    """

    def __init__(self, driver: EmulatedDriver, nbytes: int, hosts: int, buffers: int) -> None:
        self._driver = driver
        self._buffers = [driver.allocate(nbytes) for _ in range(buffers)]
        self.hosts = [np.zeros(nbytes, np.uint8) for _ in range(hosts)]
        self._copies: dict[int, EmulatedBuffer] = {}  # under way: number of the host's memory -> where to

    def wait(self, host: int) -> None:
        with _stream:
            self._arrive(host)

    def send(self, host: int, buffer: int) -> None:
        place = self._buffers[buffer]
        with _stream:
            self._copies = {other: target for other, target in self._copies.items() if target is not place}
            self._copies[host] = place
            at(place.pointer, place.nbytes).fill(0xFF)

    def receive(self, host: int, buffer: int, copies: Sequence[tuple[int, int, int]]) -> None:
        assert not self._driver.capturing
        with _stream:
            self._arrive(host)
            for target, start, nbytes in copies:
                ctypes.memmove(target, self._buffers[buffer].pointer + start, nbytes)

    def _arrive(self, host: int) -> None:
        place = self._copies.pop(host, None)
        if place is not None:
            at(place.pointer, place.nbytes)[...] = self.hosts[host]


class EmulatedFunction:
    """A kernel compiled for the CPU."""

    def __init__(self, driver: EmulatedDriver, name: str, launch: Any, types: Sequence[str]) -> None:
        self._driver, self.name, self._launch, self._types = driver, name, launch, types

    def __call__(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], args: Sequence[Any], shared: int
    ) -> None:
        assert shared <= 227 * 1024, f"{self.name}: {shared} bytes of shared memory"
        assert np.prod(block) <= 1024, f"{self.name}: {block} threads"
        assert max(grid[1:]) <= 65535, f"{self.name}: {grid} blocks"
        assert grid[0] < 2**31, f"{self.name}: {grid} blocks"
        assert all((*grid, *block)), f"{self.name}: {grid} blocks of {block}"
        self._driver.pointers.check(self.name, self._types, args)
        sizes = (ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block)
        values = [np.array(value) for value in args]
        places = (ctypes.c_void_p * len(values))(*[value.ctypes.data for value in values])
        self._driver.run(self.name, lambda _keep=values: self._launch(*sizes, places))


class EmulatedReplay:
    def __init__(self, driver: EmulatedDriver, calls: list[Callable[[], None]]) -> None:
        self._driver, self._calls = driver, calls

    def launch(self) -> None:
        with _stream:
            self._driver.replays += 1
            for call in self._calls:
                call()


class _Thread(threading.local):
    """What the calling thread records while it captures; what others launch meanwhile runs."""

    recording: list[Callable[[], None]] | None = None


class EmulatedDriver:
    """A GPU of `total` bytes.

    launched : names of what was run or captured, in order. replays : how often a graph was launched.
    used : bytes taken. dnn : what stands in for cuDNN, or None. clock : seconds that what ran would have
    taken: of a launch what `durations` says by its name, of cuDNN's engines their own, of all else none.
    """

    stream = 0

    def __init__(self, total: int = 1 << 33) -> None:
        self.total, self.used = total, 0
        self.launched: list[str] = []
        self.replays = 0
        self._thread = _Thread()
        self.dnn: Any = None
        self.clock = 0.0
        self.durations: dict[str, float] = {}
        self.pointers = Pointers()

    def cudnn(self) -> Any:
        """What `dnn` was set to."""
        if self.dnn is None:
            raise DeviceError("the stand-in for a GPU was made without cuDNN")
        return self.dnn

    def run(self, name: str, call: Callable[[], None], seconds: float = 0.0) -> None:
        """Run a call, or keep it while capturing. seconds : what it takes where `durations` does not say."""
        self.launched.append(name)
        self.pointers.forget()

        def timed() -> None:
            self.clock += self.durations.get(name, seconds)
            call()

        if self._thread.recording is not None:
            self._thread.recording.append(timed)
            return
        with _stream:
            timed()

    def properties(self) -> dict[str, Any]:
        found = {"name": "emulated", "compute_capability": (9, 0), "multiprocessors": 132}
        return found | {"total_memory": self.total, "l2_bytes": 1 << 10}

    def memory(self) -> tuple[int, int]:
        return self.total - self.used, self.total

    def allocate(self, nbytes: int) -> EmulatedBuffer:
        if self.used + nbytes > self.total:
            raise MemoryError(f"{nbytes} bytes")
        return EmulatedBuffer(self, nbytes)

    def upload(self, pointer: int, source: np.ndarray) -> None:
        assert self._thread.recording is None, "a copy from the host while capturing"
        with _stream:
            at(pointer, source.nbytes)[...] = source.view(np.uint8)

    def download(self, target: np.ndarray, pointer: int) -> None:
        assert self._thread.recording is None, "a copy to the host while capturing"
        with _stream:
            target.view(np.uint8)[...] = at(pointer, target.nbytes)

    def read_later(self, pointer: int, nbytes: int) -> Any:
        assert self._thread.recording is None, "a copy to the host while capturing"
        assert nbytes <= SMALL, "larger than the buffer"
        with _stream:
            found = at(pointer, nbytes).copy()  # as it is in the order of the stream
        return SimpleNamespace(wait=lambda: found)

    @property
    def capturing(self) -> bool:
        return self._thread.recording is not None

    def way(self, nbytes: int, hosts: int, buffers: int) -> EmulatedWay:
        return EmulatedWay(self, nbytes, hosts, buffers)

    def zero(self, pointer: int, nbytes: int) -> None:
        self.run("zero", lambda: at(pointer, nbytes).fill(0))

    def copy(self, target: int, source: int, nbytes: int) -> None:
        self.run("copy", lambda: ctypes.memmove(target, source, nbytes) and None)

    def compile(self, source: str, defines: dict[str, str], names: Sequence[str]) -> dict[str, Any]:
        found = compile_kernels(source, defines, names)
        return {name: EmulatedFunction(self, name, *kernel) for name, kernel in found.items()}

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
        m, n, k = shape
        self.pointers.check("gemm", [dtype] * 3, [matrix.pointer for matrix in (a, b, c)])

        def multiply() -> None:
            for i in range(stack):
                left, right = self._matrix(a, m, k, dtype, i), self._matrix(b, k, n, dtype, i)
                target = self._matrix(c, m, n, dtype, i)
                wide = np.float64 if dtype == "float64" else np.float32
                product = left.astype(wide) @ right.astype(wide)
                with np.errstate(over="ignore"):  # a GPU makes infinities without a word
                    target[...] = product + beta * target.astype(wide) if beta else product

        self.run("gemm", multiply)

    @staticmethod
    def _matrix(matrix: Matrix, rows: int, columns: int, dtype: str, number: int) -> np.ndarray:
        if matrix.turned:
            rows, columns = columns, rows
        assert matrix.stride >= columns, f"rows of {columns} elements overlap: {matrix.stride} apart"
        kind = TYPES[dtype]
        start = matrix.pointer + number * matrix.step * kind.itemsize
        count = (rows - 1) * matrix.stride + columns
        flat = at(start, count * kind.itemsize).view(kind)
        steps = (matrix.stride * kind.itemsize, kind.itemsize)
        face = np.lib.stride_tricks.as_strided(flat, (rows, columns), steps)
        return face.T if matrix.turned else face

    def array(self, pointer: int, shape: Any, dtype: str, strides: Any, owner: Any) -> np.ndarray:
        """A view of the stand-in's memory: what would be a CuPy array."""
        kind = TYPES[dtype]
        span = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + kind.itemsize
        content = (ctypes.c_uint8 * span).from_address(pointer)
        content.owner = owner  # type: ignore[attr-defined]
        flat = np.frombuffer(content, np.uint8).view(kind)
        return np.lib.stride_tricks.as_strided(flat, shape, strides)

    def in_order(self) -> AbstractContextManager[None]:
        """All runs in the order in which it is queued."""
        return nullcontext()

    def hold(self, owner: Any) -> None:
        """What was queued is done."""

    def begin_capture(self) -> None:
        assert self._thread.recording is None
        self._thread.recording = []

    def end_capture(self) -> EmulatedReplay:
        calls, self._thread.recording = self._thread.recording or [], None
        return EmulatedReplay(self, calls)

    def synchronize(self) -> None:
        assert self._thread.recording is None, "waiting while capturing"
