"""Typed, strided views on device memory.

A `Tensor` is what kernels take: memory at a fixed address together with a `Descriptor` that says shape, dtype
and order of the axes in memory. Four-dimensional activations are kept channels-last (N, H, W, C in memory)
because oneDNN and cuDNN are fastest there; `Tensor.array` shows them in Caffe's order, (N, C, H, W).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes: one cache line, one AVX-512 register


@dataclass(frozen=True)
class Descriptor:
    """Shape, dtype and memory order of a tensor.

    shape : axes in Caffe's order, e.g. (N, C, H, W).
    dtype : NumPy name, "float32" or "float64".
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


def allocate(nbytes: int) -> np.ndarray:
    """Zeroed memory, (nbytes,) uint8, whose address is a multiple of `ALIGNMENT`."""
    raw = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes]


class Tensor:
    """Device memory at a fixed address, with its descriptor.

    array : NumPy view in the order of `descriptor.shape`, whatever the order in memory.
    flat : (count,) view in memory order.
    address : of the first element.
    native : a handle that a kernel library keeps with the tensor (oneDNN's memory object).

    Tensors are compared by identity, so kernels can remember what they bound to which tensor.
    """

    __slots__ = ("__weakref__", "address", "array", "descriptor", "flat", "native")

    def __init__(self, descriptor: Descriptor, memory: np.ndarray | None = None) -> None:
        """memory : at least `descriptor.nbytes` bytes, uint8, aligned; fresh where it is None."""
        if memory is None:
            memory = allocate(descriptor.nbytes)
        self.descriptor = descriptor
        self.flat = memory[: descriptor.nbytes].view(descriptor.dtype)
        self.array = self._face()
        self.address = self.flat.ctypes.data
        self.native: Any = None

    def _face(self) -> np.ndarray:
        shape = self.descriptor.shape
        if not self.descriptor.channels_last:
            return self.flat.reshape(shape)
        n, c, h, w = shape
        return self.flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)

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
        return Tensor(descriptor, self.flat.view(np.uint8))

    def part(self, start: int, descriptor: Descriptor) -> Tensor:
        """A tensor over the elements in memory from `start` on; `start` keeps the alignment."""
        first = start * np.dtype(self.dtype).itemsize
        return Tensor(descriptor, self.flat.view(np.uint8)[first : first + descriptor.nbytes])

    def __repr__(self) -> str:
        order = "channels-last" if self.descriptor.channels_last else "plain"
        return f"Tensor({self.shape}, {self.dtype}, {order})"
