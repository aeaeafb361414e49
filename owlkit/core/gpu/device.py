"""GpuDevice: a GPU as a place to run a net."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.detection import obstacle
from owlkit.core.gpu.driver import Buffer
from owlkit.core.gpu.gpu import Gpu, OutOfMemoryError, open_gpu
from owlkit.core.gpu.lane import make_lanes, nbytes_on_gpu
from owlkit.core.gpu.mirror import Mirror, Piece
from owlkit.core.lane import Lane
from owlkit.core.memory import Memory, allocate
from owlkit.core.tensor import Descriptor

if TYPE_CHECKING:
    from owlkit.core.blob import Blob

IMPLEMENTATIONS = ("cudnn", "cuda", "reference")


class _Workspace:
    """buffer : on the GPU, of `nbytes` bytes."""

    buffer: Buffer | None = None
    nbytes = 0

    def take_over(self, other: _Workspace) -> None:
        """Have what `other` has, which has none then."""
        self.buffer, self.nbytes = other.buffer, other.nbytes
        other.buffer, other.nbytes = None, 0


class _OfThreads(_Workspace, threading.local):
    """Each thread's own: launches of two threads come in any order, between those of one call too."""


class GpuDevice(Device):
    """A GPU for one net.

    gpu : the physical GPU, shared with other nets. tf32 : whether float32 products may use TF32, which keeps
    10 bits of each factor. deterministic : whether only kernels are used that give the same bits in every
    run. tune : whether cuDNN's plans, and ways to do without them, are chosen by timing when a net is first
    planned, and remembered on disk; not together with `deterministic`. What has no kernel of its own computes
    on the host, with copies there and back; `print(net.plan)` shows it.
    """

    filters_channels_last = True

    def __init__(
        self,
        gpu: Gpu,
        *,
        tf32: bool = False,
        deterministic: bool = False,
        graph: bool | None = None,
        tune: bool = False,
    ) -> None:
        if tune and deterministic:
            raise DeviceError(
                "tune=True chooses by timing, which varies; leave it out where deterministic=True"
            )
        super().__init__(f"gpu:{gpu.number}" if gpu.number else "gpu", IMPLEMENTATIONS)
        self.gpu, self.tf32, self.deterministic, self.graph = gpu, tf32, deterministic, graph
        self.tune = tune
        # All captures share one: a replay is one launch, in whichever thread, and those come one by one.
        self._workspace, self._captured = _OfThreads(), _Workspace()

    def for_net(self) -> GpuDevice:
        """This one: nets of one thread share the workspace, and a kernel asks for it at every call."""
        return self

    def workspace(self) -> int:
        """The address, on the GPU, of memory for use during one kernel call, as much as was reserved.

        Nets that were given one device share it, but not from thread to thread. Captures have another, and
        keep the one that they were captured with, also where more is reserved later.
        """
        mine: _Workspace = self._workspace
        wanted = self.scratch_bytes
        if self.gpu.capturing:
            # A replay may come between two launches of a call in this thread: it must not share its memory.
            # What this thread's calls have used so far goes to the captures, so that nothing more is taken.
            if self._captured.nbytes < wanted:
                self._captured.take_over(mine)
            mine = self._captured
        if mine.buffer is None or mine.nbytes < wanted:
            # Also in a capture: another thread may have made the first pass.
            mine.buffer, mine.nbytes = self.gpu.allocate_kept(wanted), wanted
        else:
            self.gpu.keep(mine.buffer)
        return mine.buffer.pointer

    @property
    def workspace_bytes(self) -> int:
        """What the calling thread and captures have taken for `workspace`."""
        return self._workspace.nbytes + self._captured.nbytes

    def lanes(self, descriptors: Sequence[Descriptor], count: int) -> list[Lane]:
        return make_lanes(self.gpu, descriptors, count)

    def lane_bytes(self, descriptors: Sequence[Descriptor], count: int) -> int:
        return nbytes_on_gpu(descriptors, count)

    def array(self, blob: Blob, role: str) -> Any:
        """The CuPy array of `blob.data` or `blob.diff` (role), in Caffe's order, writable."""
        if role == "diff":
            blob.settle_diff()
        tensor = getattr(blob, f"{role}_tensor")
        return self.gpu.array(tensor)

    def in_order(self) -> AbstractContextManager[None]:
        """Whatever stream is CuPy's current one."""
        return self.gpu.driver.in_order()

    def place(self, total: int, places: Sequence[tuple[int, int, Memory]]) -> None:
        """As on a CPU; on the host each memory has its own, which takes none until somebody looks."""
        try:
            piece = Piece(self.gpu.allocate(total), total)
        except OutOfMemoryError as error:
            error.placed = frozenset(id(memory) for _, _, memory in places)
            raise
        for offset, length, memory in places:
            content = allocate(length)
            memory.use(content)
            memory.mirror = Mirror(self.gpu, content, piece.buffer.pointer + offset, piece)


def open_gpu_device(
    number: int = 0,
    *,
    tf32: bool = False,
    deterministic: bool = False,
    graph: bool | None = None,
    tune: bool = False,
) -> GpuDevice:
    """A GPU with options, for `device=`: `owlkit.Solver(n, device=owlkit.gpu(tf32=True))`.

    number, as the system counts from 0. For the options see `GpuDevice`; "gpu" and "gpu:1" are devices
    without. Raises DeviceError where there is no such GPU or CuPy is missing, with what to do.
    """
    why_not = obstacle(number)
    if why_not:
        raise DeviceError(f"GPU {number}: {why_not}")
    return GpuDevice(open_gpu(number), tf32=tf32, deterministic=deterministic, graph=graph, tune=tune)


def open_device(name: str) -> GpuDevice:
    """The device that "gpu", "cuda" or "gpu:1" names; raises DeviceError as `open_gpu_device` does."""
    _, _, number = name.partition(":")
    if number and not number.isdigit():
        raise DeviceError(f"device {name!r}: give the GPU's number, as in 'gpu:1'")
    return open_gpu_device(int(number or 0))
