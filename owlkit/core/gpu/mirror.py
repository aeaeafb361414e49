"""The GPU's copy of a memory, and which of the two copies is valid: Caffe's SyncedMemory.

A transfer happens when the side that is asked for is stale, and only then. Whoever gets the host's bytes may
write to them, so the GPU's are stale afterwards; `writing=False` promises not to.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from owlkit.core.gpu.driver import Buffer
    from owlkit.core.gpu.gpu import Gpu
    from owlkit.core.memory import Memory


@dataclass(frozen=True)
class Piece:
    """Memory of the GPU, `nbytes` of it, in which mirrors lie that are not in use at the same moment."""

    buffer: Buffer
    nbytes: int


class Mirror:
    """One contiguous copy on a GPU.

    pointer : its address there. host_valid, device_valid : which copies hold the content; at least one does.
    """

    __slots__ = ("_buffer", "_fetching", "device_valid", "gpu", "host", "host_valid", "pointer")

    def __init__(self, gpu: Gpu, host: np.ndarray, pointer: int, buffer: Any) -> None:
        self.gpu, self.host, self.pointer = gpu, host, pointer
        self._buffer = buffer  # keeps the GPU's memory alive
        self._fetching = threading.RLock()
        self.host_valid, self.device_valid = True, False

    @property
    def piece(self) -> Piece | None:
        """What it shares with other mirrors, where it lies in such a piece."""
        return self._buffer if isinstance(self._buffer, Piece) else None

    def to_device(self, *, reads: bool, writes: bool) -> None:
        """Make the GPU's copy usable. reads : it must hold the content. writes : it will hold a newer one."""
        if reads:
            if not self.device_valid:
                self._bring()
            self.gpu.tell("read", self)
        if writes:
            self.gpu.tell("write", self)  # before: whoever watches may want to know how it was
            self.device_valid, self.host_valid = True, False

    def _bring(self) -> None:
        with self.gpu.lock:  # of two threads that share weights the slower would undo the other's update
            if not self.device_valid:
                self.gpu.upload(self)
                self.device_valid = True

    def to_host(self, *, writing: bool = True) -> None:
        """Make the host's copy usable. writing : it may be changed, so that the GPU's counts as stale."""
        self.gpu.host_looks(self, writing)
        with self._fetching:  # nobody sees a copy that is still being made
            with self.gpu.lock:  # a capture marks as written what it only records: not before its end
                # Now: a kernel that another thread launches during the copy makes it stale again.
                stale, self.host_valid = not self.host_valid, True
            if stale:
                self.gpu.touched.add(self)  # after its flag: a replay that comes between has to see it
                self._download()
        if writing:
            # What a kernel has written since is given up: the host goes on from what it was given.
            self.host_valid, self.device_valid = True, False
            self.gpu.touched.add(self)

    def copied(self, start: int, nbytes: int) -> np.ndarray:
        """A copy of `nbytes` bytes of the content from `start` on, whichever copy is valid.

        For a thread that may not change that: another one works with them.
        """
        with self.gpu.lock:  # a capture marks as written what it only records
            on_gpu = self.device_valid
        if not on_gpu:
            return self.host[start : start + nbytes].copy()
        found = np.empty(nbytes, np.uint8)
        self.gpu.fetch(found, self.pointer + start)
        return found

    def _download(self) -> None:
        try:
            self.gpu.download(self)
        except BaseException:
            self.host_valid = False
            raise

    def zero(self, start: int, nbytes: int) -> None:
        """Set `nbytes` bytes from `start` on to 0, on the GPU."""
        self.to_device(reads=nbytes < self.host.size, writes=True)
        self.gpu.driver.zero(self.pointer + start, nbytes)


class ArenaMirror:
    """The copy of an arena: one piece of the GPU's memory, whose parts are kept valid one by one."""

    __slots__ = ("_buffer", "gpu", "host", "parts", "pointer")

    def __init__(self, gpu: Gpu, arena: Memory) -> None:
        assert arena.bytes is not None
        self.gpu, self.host = gpu, arena.bytes
        self._buffer = gpu.allocate(arena.bytes.size)
        self.pointer = self._buffer.pointer
        gpu.driver.zero(self.pointer, arena.bytes.size)  # the gaps between the parts
        self.parts = []
        for offset, part in arena.parts:
            assert part.bytes is not None
            part.mirror = Mirror(gpu, part.bytes, self.pointer + offset, self._buffer)
            self.parts.append(part.mirror)

    def to_device(self, *, reads: bool, writes: bool) -> None:
        for part in self.parts:
            part.to_device(reads=reads, writes=writes)

    def to_host(self, *, writing: bool = True) -> None:
        for part in self.parts:
            part.to_host(writing=writing)

    def zero(self, start: int, nbytes: int) -> None:
        self.to_device(reads=nbytes < self.host.size, writes=True)
        self.gpu.driver.zero(self.pointer + start, nbytes)
