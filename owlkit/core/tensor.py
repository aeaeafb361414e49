"""Typed, strided views on device memory.

A `Tensor` is what kernels take: memory at a fixed address together with a `Descriptor` that says shape, dtype
and order of the axes in memory. Four-dimensional activations are kept channels-last (N, H, W, C in memory)
because oneDNN and cuDNN are fastest there; `Tensor.array` shows them in Caffe's order, (N, C, H, W).
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from owlkit.core.memory import Memory, allocate


@dataclass(frozen=True)
class Descriptor:
    """Shape, dtype and memory order of a tensor.

    shape : axes in Caffe's order, e.g. (N, C, H, W).
    dtype : NumPy name: one of `core.dtypes`, or of whole numbers for what kernels keep to themselves.
    channels_last : with four axes, memory runs N, H, W, C; otherwise it runs in the order of `shape`.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    channels_last: bool = False

    def __post_init__(self) -> None:
        if self.channels_last and len(self.shape) != 4:
            raise ValueError(f"channels-last needs four axes, not shape {self.shape}")

    @cached_property
    def count(self) -> int:
        return math.prod(self.shape)

    @cached_property
    def nbytes(self) -> int:
        return self.count * np.dtype(self.dtype).itemsize

    @cached_property
    def is_plain(self) -> bool:
        """Whether memory holds the elements in C order of `shape`."""
        return not self.channels_last or self.shape[1] == 1 or self.shape[2] * self.shape[3] == 1

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Distance between neighbours along each axis, in elements."""
        order = (0, 2, 3, 1) if self.channels_last else range(len(self.shape))
        strides, step = [0] * len(self.shape), 1
        for axis in reversed(order):
            strides[axis] = step
            step *= self.shape[axis]
        return tuple(strides)

    def viewed(self, *shape: int) -> Descriptor:
        """The same memory read in C order as `shape`."""
        return Descriptor(shape, self.dtype)


def read_only(array: np.ndarray) -> np.ndarray:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


class _Made(threading.local):
    """Memories of the tensors that the calling thread makes for itself, where somebody collects them."""

    found: list[weakref.ref[Memory]] | None = None


_made = _Made()


@contextmanager
def own_memories() -> Iterator[list[weakref.ref[Memory]]]:
    """The memories that tensors take for themselves meanwhile, in this thread."""
    outer, _made.found = _made.found, []
    found = _made.found
    try:
        yield found
    finally:
        _made.found = outer
        if outer is not None:
            outer.extend(found)


class Tensor:
    """Memory at a fixed address, with its descriptor.

    memory, start : what it lies in, and at which byte. whole : whether it is all that matters in there: who
    overwrites it need not fetch the rest. address : of the first element, on the host.
    native : a handle that a kernel library keeps with the tensor (oneDNN's memory object).

    Tensors are compared by identity, so kernels can remember what they bound to which tensor. On a GPU the
    content may be newer in the memory's mirror: `array` and `flat` fetch it then, and count as writing.
    """

    __slots__ = (
        "__weakref__", "_array", "_flat", "address", "descriptor", "memory", "native", "start", "whole"
    )  # fmt: skip

    def __init__(
        self, descriptor: Descriptor, memory: Memory | np.ndarray | None = None, start: int = 0
    ) -> None:
        """memory : at least `start + descriptor.nbytes` bytes, aligned; fresh where it is None."""
        if memory is None:
            memory = Memory(allocate(start + descriptor.nbytes))
            if _made.found is not None:
                _made.found.append(weakref.ref(memory))
        if isinstance(memory, np.ndarray):
            memory = Memory(memory)
        content = memory.require(start + descriptor.nbytes)
        self.descriptor, self.memory, self.start = descriptor, memory, start
        self._flat = content[start : start + descriptor.nbytes].view(descriptor.dtype)
        self._array = self._face(self._flat)
        self.address = self._flat.ctypes.data
        self.native: Any = None
        self.whole = True

    def _face(self, flat: np.ndarray) -> np.ndarray:
        shape = self.descriptor.shape
        if not self.descriptor.channels_last:
            return flat.reshape(shape)
        n, c, h, w = shape
        return flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    @property
    def array(self) -> np.ndarray:
        """NumPy view in the order of `descriptor.shape`, whatever the order in memory; writable.

        While another thread trains by it on a GPU, a copy that is to be read only.
        """
        mirror = self.memory.mirror
        if mirror is None:
            return self._array
        if self.memory.kept:
            return self._face(self._copied())
        mirror.to_host()
        return self._array

    @property
    def flat(self) -> np.ndarray:
        """(count,) view in memory order; writable as `array`."""
        mirror = self.memory.mirror
        if mirror is None:
            return self._flat
        if self.memory.kept:
            return self._copied()
        mirror.to_host()
        return self._flat

    def peek(self) -> np.ndarray:
        """As `array`, to be read only: a copy on a GPU then stays valid."""
        mirror = self.memory.mirror
        if mirror is None:
            return read_only(self._array)
        if self.memory.kept:
            return self._face(self._copied())
        mirror.to_host(writing=False)
        return read_only(self._array)

    def _copied(self) -> np.ndarray:
        """(count,) as it is now, to be read only: the thread that trains by it has the content itself."""
        mirror = self.memory.mirror
        if mirror is None:  # that thread has just taken larger memory
            return read_only(self._flat.copy())
        return read_only(mirror.copied(self.start, self.descriptor.nbytes).view(self._flat.dtype))

    def zero(self) -> None:
        """Set all elements to zero, where they are."""
        if self.memory.mirror is None:
            self._flat[...] = 0
        else:
            self.memory.mirror.zero(self.start, self.descriptor.nbytes)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.descriptor.shape

    @property
    def dtype(self) -> str:
        return self.descriptor.dtype

    def viewed(self, descriptor: Descriptor) -> Tensor:
        """Another tensor over the same memory; `descriptor` must have as many bytes."""
        if descriptor.nbytes != self.descriptor.nbytes:
            raise ValueError(f"cannot view {self.descriptor} as {descriptor}: sizes differ")
        view = Tensor(descriptor, self.memory, self.start)
        view.whole = self.whole
        return view

    def part(self, start: int, descriptor: Descriptor) -> Tensor:
        """A tensor over the elements in memory from `start` on; `start` keeps the alignment."""
        first = self.start + start * np.dtype(self.dtype).itemsize
        view = Tensor(descriptor, self.memory, first)
        view.whole = False
        return view

    def __repr__(self) -> str:
        order = "channels-last" if self.descriptor.channels_last else "plain"
        return f"Tensor({self.shape}, {self.dtype}, {order})"
