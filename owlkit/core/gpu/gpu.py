"""Gpu: one physical GPU. All nets on it share its stream, its memory pool and its compiled kernels."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.driver import SMALL, Buffer, Driver, Replay, Way
from owlkit.core.gpu.mirror import ArenaMirror, Mirror
from owlkit.core.gpu.recent import Recent
from owlkit.core.gpu.touched import Touched
from owlkit.core.memory import Memory
from owlkit.core.tensor import Tensor

T = TypeVar("T")
MOST_CHOICES = 2000  # a large net has some 200 for each input shape


class CaptureError(DeviceError):
    """Something in an iteration cannot be captured as a CUDA graph; `mirror` is the memory it touched."""

    def __init__(self, message: str, mirror: Mirror | None = None) -> None:
        super().__init__(message)
        self.mirror = mirror


class Gpu:
    """One physical GPU.

    driver : what does the work. number : as the system counts. programs : compiled kernels, by what they were
    compiled from. choices : plans of libraries and times, by what they were made for: the `MOST_CHOICES` that
    were asked for last; whoever uses a plan keeps it too. lock : held during a capture, and by whoever copies
    to the GPU; nobody waits for a copy to the host and holds it. What a capture forbids it forbids to its own
    thread only: others go on, and wait where they need the lock.
    """

    def __init__(self, driver: Driver, number: int = 0) -> None:
        self.driver, self.number = driver, number
        self.programs: dict[Any, Any] = {}
        self.choices = Recent(MOST_CHOICES)
        self.lock = threading.RLock()
        self.touched = Touched()
        self._capturer: int | None = None
        self._kept: list[Any] = []
        self.uploaded_bytes = self.downloaded_bytes = 0
        self._observers: tuple[Callable[[str, Mirror], None], ...] = ()

    # -- memory
    def allocate(self, nbytes: int) -> Buffer:
        """Fresh memory on the GPU.

        Raises OutOfMemoryError where there is not enough, with what is free.
        """
        if self.capturing:
            raise CaptureError("memory would have to be taken during the capture")
        return self._within_memory(nbytes, lambda: self.driver.allocate(max(nbytes, 1)))

    def allocate_kept(self, nbytes: int) -> Buffer:
        """As `allocate`, also for a thread that captures: its replay keeps the memory."""
        buffer = self._within_memory(nbytes, lambda: self.driver.allocate(max(nbytes, 1)))
        self.keep(buffer)
        return buffer

    def way(self, nbytes: int, hosts: int, buffers: int) -> Way:
        """A way to the GPU for what a thread prepares; see `Driver.way`. Raises OutOfMemoryError."""
        return self._within_memory(buffers * nbytes, lambda: self.driver.way(nbytes, hosts, buffers))

    def _within_memory(self, nbytes: int, call: Callable[[], T]) -> T:
        """What `call` makes; OutOfMemoryError where it raises MemoryError a second time."""
        try:
            return call()
        except MemoryError:
            pass
        if not self.capturing:
            gc.collect()  # nets that nobody holds any more, but that refer to themselves
        try:
            return call()
        except MemoryError as error:
            free, total = self.driver.memory()
            raise OutOfMemoryError(nbytes, free, total) from error

    def mirror(self, memory: Memory) -> Mirror | ArenaMirror:
        """The copy of `memory` here, made where there is none."""
        if memory.mirror is None:
            with self.lock:  # threads that share weights get the same
                if memory.mirror is None:
                    self._make_mirror(memory)
        mirror = memory.mirror
        assert mirror is not None
        if mirror.gpu is not self:
            raise DeviceError(f"memory of GPU {mirror.gpu.number} was given to a kernel on GPU {self.number}")
        return mirror

    def _make_mirror(self, memory: Memory) -> None:
        if memory.whole is not None:
            self.mirror(memory.whole)
        elif memory.parts:
            memory.mirror = ArenaMirror(self, memory)  # type: ignore[assignment]
        else:
            assert memory.bytes is not None
            buffer = self.allocate(memory.bytes.size)
            memory.mirror = Mirror(self, memory.bytes, buffer.pointer, buffer)

    def pointer(self, tensor: Tensor, *, reads: bool, writes: bool) -> int:
        """The address of a tensor here, its content made valid. reads, writes : what a kernel will do."""
        mirror = tensor.memory.mirror or self.mirror(tensor.memory)
        mirror.to_device(reads=reads or not tensor.whole, writes=writes)
        return mirror.pointer + tensor.start

    def upload(self, mirror: Mirror) -> None:
        """Copy the host's content to the GPU."""
        if self.capturing:
            raise CaptureError("the host changed it before the capture", mirror)
        self.tell("upload", mirror)
        self.put(mirror.pointer, mirror.host)
        self.uploaded_bytes += mirror.host.size

    def put(self, pointer: int, source: np.ndarray) -> None:
        """Copy contiguous bytes of the host, (n,) uint8, to an address; not counted as uploaded.

        Raises OutOfMemoryError where there is no room for the buffers on the way.
        """
        with self.lock:
            self._within_memory(source.size, lambda: self.driver.upload(pointer, source))

    def download(self, mirror: Mirror) -> None:
        """Copy the GPU's content to the host, and wait for it; without the lock, so that others go on."""
        self.fetch(mirror.host, mirror.pointer)

    def fetch(self, target: np.ndarray, pointer: int) -> None:
        """Copy what is at an address into contiguous bytes of the host; as `download`."""
        self.driver.download(target, pointer)
        with self.lock:
            self.downloaded_bytes += target.size

    def read_later(self, tensor: Tensor) -> Callable[[], np.ndarray]:
        """Begin to read a small tensor as it is when all that is queued is done; the call waits for its
        values, (count,). The copy on the host is left as it is. More than `SMALL` bytes are waited for here.
        """
        if self.capturing:
            raise CaptureError("the host reads it", tensor.memory.mirror)
        nbytes = tensor.descriptor.nbytes
        if nbytes > SMALL:
            values = tensor.peek().flatten()
            return lambda: values
        pointer = self.pointer(tensor, reads=True, writes=False)
        reading = self.driver.read_later(pointer, nbytes)
        self.downloaded_bytes += nbytes
        return lambda: reading.wait().view(tensor.dtype)

    def array(self, tensor: Tensor, *, writable: bool = True) -> Any:
        """The CuPy array of a tensor, in the order of its shape; the host's copy stays valid unless
        `writable`.
        """
        itemsize = np.dtype(tensor.dtype).itemsize
        strides = tuple(n * itemsize for n in tensor.descriptor.strides)
        pointer = self.pointer(tensor, reads=True, writes=writable)
        # It is the mirror that keeps the memory: a memory that grows gets another.
        return self.driver.array(pointer, tensor.shape, tensor.dtype, strides, tensor.memory.mirror)

    # -- who touches what
    def watch(self, observer: Callable[[str, Mirror], None]) -> Callable[[], None]:
        """Call observer("upload" | "read" | "write" | "look" | "peek", mirror) from now on; returns what ends
        it.

        read, write : a kernel does, or is about to. look, peek : the host gets it to write, to read.
        """
        # A new tuple each time: another thread may be telling those of the old one.
        with self.lock:
            self._observers = (*self._observers, observer)
        return lambda: self._forget(observer)

    def _forget(self, observer: Callable[[str, Mirror], None]) -> None:
        with self.lock:
            self._observers = tuple(other for other in self._observers if other is not observer)

    def tell(self, what: str, mirror: Mirror) -> None:
        """Say so to whoever watches."""
        for observer in self._observers:
            observer(what, mirror)

    def host_looks(self, mirror: Mirror, writing: bool) -> None:
        """The host is about to use `mirror`."""
        if self.capturing:
            raise CaptureError("the host reads or writes it", mirror)
        self.tell("look" if writing else "peek", mirror)

    # -- CUDA graphs
    @property
    def capturing(self) -> bool:
        """Whether the calling thread captures."""
        return self._capturer == threading.get_ident()

    def keep(self, buffer: Buffer) -> None:
        """Where this thread captures, have the replay keep the memory, whose address it contains."""
        if self.capturing:
            self._kept.append(buffer)

    def capture(self, work: Callable[[], None]) -> Replay:
        """Record the launches of `work` without running them.

        Raises CaptureError where it copies to or from the host, or takes memory. The replay keeps what `keep`
        was told; mirrors whose addresses it contains are kept by whoever replays.
        """
        with self.lock, _without_collection():
            self.driver.begin_capture()
            self._capturer, self._kept = threading.get_ident(), []
            try:
                work()
            except BaseException:
                with suppress(DeviceError):  # CUDA may have given the capture up; `work` says why
                    self.driver.end_capture()
                raise
            else:
                return _Keeping(self.driver.end_capture(), self._kept)
            finally:
                self._capturer, self._kept = None, []

    def __repr__(self) -> str:
        return f"Gpu({self.number})"


@contextmanager
def _without_collection() -> Iterator[None]:
    """What the garbage collector drops (other nets' graphs, modules) may call what a capture forbids."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Keeping:
    """A replay with the memory that it uses besides mirrors."""

    def __init__(self, replay: Replay, kept: list[Any]) -> None:
        self._replay, self._kept = replay, kept

    def launch(self) -> None:
        self._replay.launch()


class OutOfMemoryError(DeviceError):
    """The GPU's memory does not suffice. wanted, free, total : bytes. placed : identities of the memories
    that should have shared what was wanted.
    """

    def __init__(self, wanted: int, free: int, total: int) -> None:
        self.placed: frozenset[int] = frozenset()
        self.wanted, self.free, self.total = wanted, free, total
        has, more = f"{free / 1e9:.3g} of {total / 1e9:.3g} GB", f"{wanted / 1e9:.3g} GB"
        super().__init__(f"the GPU has {has} free, and {more} more are needed")

    def add(self, text: str) -> None:
        """Append to the message, once."""
        if len(self.args) == 1:
            self.args = (f"{self}; {text}", text)

    def __str__(self) -> str:
        return str(self.args[0])


_opening = threading.Lock()  # threads that come at the same time get the same


def open_gpu(number: int) -> Gpu:
    """The GPU with this number; raises DeviceError where there is none or CuPy is missing."""
    with _opening:
        return _opened(number)


@cache
def _opened(number: int) -> Gpu:
    from owlkit.core.gpu.cupy_driver import CupyDriver

    return Gpu(CupyDriver(number), number)
