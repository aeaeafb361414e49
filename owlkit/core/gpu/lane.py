"""Lanes to a GPU: the way over the bus is made while the GPU computes on the batches before.

A lane is pinned memory of the host. Batches that wait to be received wait there: on the GPU are two buffers,
however many lanes there are, one that is being received from and one that is being filled meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from owlkit.core.gpu.gpu import Gpu
from owlkit.core.lane import Lane
from owlkit.core.tensor import Descriptor, Tensor

BUFFERS = 2  # on the GPU
ALIGNMENT = 256  # bytes, of each part of a batch, as CUDA aligns what it gives


def nbytes_of(descriptors: Sequence[Descriptor]) -> int:
    """Bytes of a batch, part behind part."""
    return max(sum(_room(descriptor) for descriptor in descriptors), 1)


def nbytes_on_gpu(descriptors: Sequence[Descriptor], count: int) -> int:
    """Bytes that `count` lanes take of the GPU's memory."""
    return min(count, BUFFERS) * nbytes_of(descriptors)


def _room(descriptor: Descriptor) -> int:
    return -(-descriptor.nbytes // ALIGNMENT) * ALIGNMENT


def make_lanes(gpu: Gpu, descriptors: Sequence[Descriptor], count: int) -> list[Lane]:
    """Lanes that share the buffers on the GPU; raises OutOfMemoryError where these do not fit."""
    crossing = _Crossing(gpu, nbytes_of(descriptors), count)
    return [GpuLane(crossing, descriptors, number) for number in range(count)]


class _Crossing:
    """What lanes share: the copies over the bus, in the order in which batches are made.

    A batch that is made waits until a buffer is free, and that is known only when what lies there has been
    received: before, there is no event that a copy into it could wait for. So it is the maker who sends,
    before it makes the next batch, whatever has found a buffer since: the thread that trains has the fewest
    calls. It sends only what it needs at once, where the maker is slow with a batch and another one waits.

    Lanes go by their numbers here, as the host's memory of the way does: whoever drops them gives all of it
    back at once. buffers : for each lane that on the GPU where its batch is, or is on its way to.
    """

    def __init__(self, gpu: Gpu, nbytes: int, count: int) -> None:
        self.gpu = gpu
        self.way = gpu.way(nbytes, count, min(count, BUFFERS))
        self._lock = threading.Lock()
        self._made: deque[int] = deque()  # not sent yet
        self._free = deque(range(min(count, BUFFERS)))
        self.buffers: list[int | None] = [None] * count

    def add(self, lane: int) -> None:
        """Send its batch when the turn comes."""
        self._made.append(lane)
        self.go_on()

    def go_on(self) -> None:
        """Send what has a buffer. Where that fails in the maker's thread, who wants the batch is told too."""
        if not self._made:
            return
        with self._lock:
            while self._made and self._free:
                lane, buffer = self._made[0], self._free[0]
                self.way.send(lane, buffer)
                self.buffers[lane] = buffer
                self._made.popleft(), self._free.popleft()

    def receive(self, lane: int, copies: Sequence[tuple[int, int, int]]) -> None:
        """Queue the copies of its batch, (target, start, bytes) each."""
        if self.buffers[lane] is None:
            self.go_on()  # all before it were received, so a buffer is free
        buffer, self.buffers[lane] = self.buffers[lane], None
        assert buffer is not None, "received before it was sent"
        self.way.receive(lane, buffer, copies)
        self._free.append(buffer)


class GpuLane(Lane):
    """The maker's thread writes to pinned memory and sends.

    What is left for the iteration are copies within the memory of the GPU, to the places that a graph reads.
    """

    def __init__(self, crossing: _Crossing, descriptors: Sequence[Descriptor], number: int) -> None:
        self._crossing, self._number = crossing, number
        super().__init__(descriptors)

    def _tensors(self, descriptors: Sequence[Descriptor]) -> list[Tensor]:
        host: np.ndarray = self._crossing.way.hosts[self._number]
        self._sizes, start, found = [], 0, []
        for descriptor in descriptors:
            self._sizes.append((start, descriptor.nbytes))
            found.append(Tensor(descriptor, host[start : start + descriptor.nbytes]))
            start += _room(descriptor)
        return found

    def wait(self) -> None:
        self._crossing.go_on()
        self._crossing.way.wait(self._number)

    def send(self) -> None:
        self._crossing.add(self._number)

    def receive(self, tensors: Sequence[Tensor]) -> None:
        pointer = self._crossing.gpu.pointer
        places = zip(tensors, self._sizes, strict=True)
        copies = [(pointer(tensor, reads=False, writes=True), *size) for tensor, size in places]
        self._crossing.receive(self._number, copies)
