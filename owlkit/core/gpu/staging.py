"""Copies from the host through pinned memory, made while the GPU computes.

A large array goes in pieces: into a pinned buffer, from there by a stream of its own to a buffer on the GPU,
and in the order of the main stream to its place. The way over the bus so overlaps with what is queued on the
main stream, which may still read the place; the last step costs little, for it stays within the GPU's memory.
A small one is copied from pinned memory to its place at once.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from owlkit.core.gpu.context import Context
from owlkit.core.gpu.driver import SMALL  # at most a few microseconds on the bus

PIECE = 8 << 20  # bytes: long enough for the bus's full speed
MOST_PIECES, MOST_SMALL = 16, 64  # under way at once; then the host waits


class _Slot:
    """A pinned buffer of `size` bytes, with one on the GPU for what goes by the stream `aside`.

    done : when it is free again.
    """

    def __init__(self, cupy: Any, size: int, aside: Any) -> None:
        self.pinned = cupy.cuda.alloc_pinned_memory(size)
        self.bytes = np.frombuffer(self.pinned, np.uint8, size)
        self.buffer = None
        if aside is not None:
            with aside:  # not memory that was given back while the main stream still has work on it
                self.buffer = cupy.cuda.alloc(size)
        self.copied = cupy.cuda.Event(disable_timing=True)
        self.done = cupy.cuda.Event(disable_timing=True)


class _Ring:
    """Slots in the order of their use; there are as many as are under way at once, up to `most`."""

    def __init__(self, cupy: Any, size: int, most: int, aside: Any = None) -> None:
        self._cupy, self._size, self._most, self._aside = cupy, size, most, aside
        self._slots: deque[_Slot] = deque()

    def take(self) -> _Slot:
        """One that is free; waits where all are under way."""
        if self._slots and (self._slots[0].done.done or len(self._slots) == self._most):
            slot = self._oldest()
        else:
            slot = self._another()
        self._slots.append(slot)
        return slot

    def _oldest(self) -> _Slot:
        slot = self._slots.popleft()
        slot.done.synchronize()
        return slot

    def _another(self) -> _Slot:
        try:
            return _Slot(self._cupy, self._size, self._aside)
        except MemoryError:
            if not self._slots:
                raise
            return self._oldest()  # a GPU that is almost full


class LateReading:
    """A small copy to the host, in a pinned buffer of its own until it was waited for, or dropped."""

    def __init__(self, slot: _Slot, nbytes: int, readings: Readings) -> None:
        self._slot: _Slot | None = slot
        self._nbytes, self._readings = nbytes, readings

    def wait(self) -> np.ndarray:
        """The bytes, once they are there."""
        slot = self._slot
        assert slot is not None, "waited for twice"
        with self._readings.at_work():
            slot.done.synchronize()
        found = slot.bytes[: self._nbytes].copy()
        self._end()
        return found

    def _end(self) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            self._readings.free.append(slot)

    def __del__(self) -> None:
        self._end()


class Readings:
    """Small copies to the host in the order of the main stream.

    free : slots for the next ones; they are never given up, as the copy to one whose reading was dropped may
    still be under way. at_work : the context's.
    """

    def __init__(self, context: Context) -> None:
        self._cupy, self._runtime, self._main = context.cupy, context.runtime, context.main
        self.at_work = context.at_work
        self.free: deque[_Slot] = deque()

    def begin(self, pointer: int, nbytes: int) -> LateReading:
        """Queue the copy of `nbytes` bytes, at most SMALL, from an address of the GPU."""
        slot, kind = self._take(), self._runtime.memcpyDeviceToHost
        with self.at_work():
            self._runtime.memcpyAsync(slot.pinned.ptr, pointer, nbytes, kind, self._main.ptr)
            slot.done.record(self._main)
        return LateReading(slot, nbytes, self)

    def _take(self) -> _Slot:
        with self.at_work():
            try:
                slot = self.free.popleft()  # one call: threads may come at the same time
            except IndexError:
                return _Slot(self._cupy, SMALL, None)
            if slot.done.done:
                return slot
            self.free.append(slot)
            return _Slot(self._cupy, SMALL, None)


class Staging:
    """Uploads in the order of the main stream. Not for several threads at once."""

    def __init__(self, context: Context) -> None:
        self._runtime, self._main, cupy = context.runtime, context.main, context.cupy
        self._aside = cupy.cuda.Stream(non_blocking=True)
        self._pieces = _Ring(cupy, PIECE, MOST_PIECES, self._aside)
        self._small = _Ring(cupy, SMALL, MOST_SMALL)

    def upload(self, pointer: int, source: np.ndarray) -> None:
        """Copy bytes, (n,) uint8, to an address of the GPU; they may change as soon as this returns."""
        if source.size <= SMALL:
            self._at_once(pointer, source)
            return
        for start in range(0, source.size, PIECE):
            self._beside(pointer + start, source[start : start + PIECE])

    def _at_once(self, pointer: int, source: np.ndarray) -> None:
        slot = self._small.take()
        slot.bytes[: source.size] = source
        kind = self._runtime.memcpyHostToDevice
        self._runtime.memcpyAsync(pointer, slot.pinned.ptr, source.size, kind, self._main.ptr)
        slot.done.record(self._main)

    def _beside(self, pointer: int, source: np.ndarray) -> None:
        slot, runtime, size = self._pieces.take(), self._runtime, source.size
        slot.bytes[:size] = source
        assert slot.buffer is not None
        buffer = slot.buffer.ptr
        runtime.memcpyAsync(buffer, slot.pinned.ptr, size, runtime.memcpyHostToDevice, self._aside.ptr)
        slot.copied.record(self._aside)
        self._main.wait_event(slot.copied)
        runtime.memcpyAsync(pointer, buffer, size, runtime.memcpyDeviceToDevice, self._main.ptr)
        slot.done.record(self._main)
