"""Im2col of channels-last images: runs of channels by NumPy, their order by oneDNN's reorder.

In memory the top holds, for each pixel, (C, window): every channel is written with gaps. Image by image, so
that all stays in the cache, pixels are first put down as (window, C), in long runs, and then turned.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.im2col import Im2col

Calls = Sequence[Callable[[], None]]


class Im2colKernel:
    def __init__(self, device: Device, spec: Im2col) -> None:
        if not spec.x.channels_last or spec.axis != 1:
            raise Unsupported("not images with channels at axis 1")
        self.spec = spec
        self._images, channels = spec.x.shape[:2]
        places, window = math.prod(spec.out), math.prod(spec.kernel)
        shape = (places, channels, window)
        self._turned = MemoryDescriptor.strided(shape, (channels * window, 1, channels), spec.x.dtype)
        self._plain = MemoryDescriptor.strided(shape, (channels * window, window, 1), spec.x.dtype)
        self._to_y = Primitive(device, "reorder", self._turned, self._plain)
        self._from_y = Primitive(device, "reorder", self._plain, self._turned)
        self.detail = self._to_y.implementation
        self._columns = Tensor(Descriptor((places, window, channels), spec.x.dtype))
        self._by_position = self._columns.array.reshape(*spec.out, *spec.kernel, channels)
        room = Descriptor((*spec.room, channels), spec.x.dtype)
        self._padded, self._sums = Tensor(room).array, Tensor(room).array
        self._seen = self._windows(self._padded)
        positions = enumerate(itertools.product(*map(range, spec.kernel)))
        self._shares = [
            (self._sums[spec.seen_at(position)], self._columns.array[:, index].reshape(*spec.out, channels))
            for index, position in positions
        ]
        self._calls: dict[tuple[Tensor, bool], Calls] = {}

    def _windows(self, padded: np.ndarray) -> np.ndarray:
        """A view (*out, *kernel, C): what each place sees, without copies."""
        steps, spec = padded.strides[:2], self.spec
        strides = [step * stride for step, stride in zip(steps, spec.stride, strict=True)]
        strides += [step * dilation for step, dilation in zip(steps, spec.dilation, strict=True)]
        shape = (*spec.out, *spec.kernel, padded.shape[2])
        return np.lib.stride_tricks.as_strided(padded, shape, (*strides, padded.strides[2]), writeable=False)

    def _reorders(self, y: Tensor, forward: bool) -> Calls:
        """One call for each image, between the columns and its part of y."""
        calls = self._calls.get((y, forward))
        if calls is None:
            step, columns = y.descriptor.nbytes // self._images, Memory.of(self._columns, self._turned)
            parts = [Memory(self._plain, y.address + n * step, y) for n in range(self._images)]
            if forward:
                calls = [self._to_y.bind({api.SRC: columns, api.DST: part}) for part in parts]
            else:
                calls = [self._from_y.bind({api.SRC: part, api.DST: columns}) for part in parts]
            self._calls[y, forward] = calls
        return calls

    def _by_image(self, x: Tensor) -> np.ndarray:
        """(N, H, W, C)"""
        return x.array.transpose(0, 2, 3, 1)

    def forward(self, x: Tensor, y: Tensor) -> None:
        for image, turn in zip(self._by_image(x), self._reorders(y, True), strict=True):
            self._padded[self.spec.inside] = image
            np.copyto(self._by_position, self._seen)
            turn()

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        for image, turn in zip(self._by_image(dx), self._reorders(dy, False), strict=True):
            turn()
            self._sums[...] = 0
            for seen, share in self._shares:
                seen += share
            image[...] = self._sums[self.spec.inside]
