"""What the engine asks of a GPU, as a protocol: everything above it runs against a stand-in too.

`cupy_driver.py` answers with CuPy, which on the ground floor only `context.py` and `exchange.py` import. The
tests have one that compiles the same kernels for the CPU, so that all but these few calls is proved without a
GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

SMALL = 64 << 10  # bytes of a copy that is made at once


class Buffer(Protocol):
    """Memory of the GPU; it goes back to the pool when the object is dropped."""

    pointer: int


class Function(Protocol):
    """A compiled kernel."""

    def __call__(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], args: Sequence[Any], shared: int
    ) -> None:
        """Launch it. args : NumPy scalars in the kernel's types; pointers are uint64. shared : bytes."""


class Replay(Protocol):
    """A captured sequence of launches."""

    def launch(self) -> None:
        """Run all of it again, with one call."""


class Reading(Protocol):
    """A copy to the host that is under way."""

    def wait(self) -> np.ndarray:
        """What was read, (n,) uint8; the calling thread waits for it. Once only: the memory is used again."""


class Way(Protocol):
    """Buffers of the host and buffers of the GPU, all of one size, with copies from those to these beside
    other work. They go by their numbers.

    hosts : (n,) uint8 each, pinned.
    """

    hosts: Sequence[np.ndarray]

    def wait(self, host: int) -> None:
        """Wait until the last `send` of `hosts[host]` has read it. From any thread."""

    def send(self, host: int, buffer: int) -> None:
        """Begin to copy `hosts[host]` to a buffer of the GPU, once what lay there has been received: to be
        called after that `receive`. From any thread, one at a time.
        """

    def receive(self, host: int, buffer: int, copies: Sequence[tuple[int, int, int]]) -> None:
        """Queue copies from the GPU's buffer to which `hosts[host]` was sent last, when that has arrived.

        copies : (address of the GPU, first byte in the buffer, how many bytes) each.
        """


@dataclass(frozen=True)
class Matrix:
    """A matrix (or a stack of them) for `Driver.gemm`: row-major, at `pointer`.

    stride : elements from row to row. turned : use the transposed. step : elements
    from one matrix of a stack to the next.
    """

    pointer: int
    stride: int
    turned: bool = False
    step: int = 0


class Cudnn(Protocol):
    """cuDNN's graph API on one GPU.

    frontend : the module `cudnn`, or what stands in for it. about : versions and device, on which it depends
    which plans there are. cache : the folder for chosen plans; None keeps none. lock : held by whoever uses
    the handle or plans, which is for one thread at a time; taken after the lock of `Gpu`.
    """

    frontend: Any
    about: str
    cache: Path | None
    lock: AbstractContextManager[Any]

    def graph(self, dtype: Any) -> Any:
        """An empty graph. dtype : the front end's name of the tensors' type; sums are float32."""

    def load(self, content: bytes) -> Any:
        """A graph with its plan, from what its `serialize` gave."""

    def execute(self, graph: Any, places: dict[int, int], workspace: int) -> None:
        """Queue the plan of a graph. places : addresses by the tensors' uids."""

    def seconds(self, work: Callable[[], None], before: Callable[[], None]) -> float:
        """How long the GPU takes for what `work` queues, the median of several runs. before : queues what
        comes before each run, and is not counted.
        """


class Driver(Protocol):
    """One GPU with one stream, on which everything is queued in order."""

    @property
    def stream(self) -> int:
        """The CUDA stream that the calling thread queues on, for libraries that take one at each call: while
        the thread captures it is another than usual."""

    def properties(self) -> dict[str, Any]:
        """name, compute_capability ((9, 0)), multiprocessors, total_memory (bytes) and more."""

    def memory(self) -> tuple[int, int]:
        """Bytes (free, in all)."""

    def allocate(self, nbytes: int) -> Buffer:
        """Fresh memory with arbitrary content, also where the calling thread captures; raises MemoryError
        where there is not enough."""

    def upload(self, pointer: int, source: np.ndarray) -> None:
        """Copy an array of contiguous bytes to the GPU; it may change as soon as this returns. Raises
        MemoryError where there is no room for a piece on its way."""

    def download(self, target: np.ndarray, pointer: int) -> None:
        """Copy from the GPU into an array of contiguous bytes, and wait for it."""

    def read_later(self, pointer: int, nbytes: int) -> Reading:
        """Queue a copy to the host of at most `SMALL` bytes, as they are when everything before is done."""

    def way(self, nbytes: int, hosts: int, buffers: int) -> Way:
        """A way to the GPU for what a thread prepares, `nbytes` at a time, with so many buffers on either
        side; raises MemoryError.
        """

    def zero(self, pointer: int, nbytes: int) -> None:
        """Set bytes to 0."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy within the GPU."""

    def compile(self, source: str, defines: dict[str, str], names: Sequence[str]) -> Mapping[str, Function]:
        """Compile CUDA C++ and return its kernels by name; raises DeviceError with the compiler's words."""

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
        """c = a b + beta c with shape = (m, n, k): a (m, k), b (k, n), c (m, n); `stack` of them. Sums of
        float16 and bfloat16 are float32. tf32 : whether float32 may be rounded to TF32 on the way in."""

    def cudnn(self) -> Cudnn:
        """cuDNN on this GPU; raises DeviceError where it cannot be used, with what to do."""

    def array(
        self, pointer: int, shape: tuple[int, ...], dtype: str, strides: tuple[int, ...], owner: Any
    ) -> Any:
        """A CuPy array over memory of the GPU. strides : in bytes. owner : kept as long as the array."""

    def in_order(self) -> AbstractContextManager[None]:
        """What CuPy's current stream is given meanwhile runs behind all that is queued, and what is queued
        later behind it, whichever stream somebody has made the current one.
        """

    def hold(self, owner: Any) -> None:
        """Keep it until all that is queued is done: memory of another library, which may lend it again in the
        order of a stream of its own, or a plan, with which its kernels go.
        """

    def begin_capture(self) -> None:
        """From now on launches are recorded and not run."""

    def end_capture(self) -> Replay:
        """What was recorded since `begin_capture`."""

    def synchronize(self) -> None:
        """Wait until the GPU has done everything; raises what went wrong there."""
