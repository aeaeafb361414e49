"""Convolution in NumPy, by columns: the input under each kernel offset, stacked (Caffe's im2col)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution


class ConvolutionKernel:
    def __init__(self, device: Device, spec: Convolution) -> None:
        self.spec = spec
        self._out = spec.y.shape[2:]
        self._pixels = int(np.prod(self._out))

    # -- columns
    def _windows(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """(number, index into the padded input) of each kernel offset."""
        spec = self.spec
        for number, offset in enumerate(itertools.product(*(range(k) for k in spec.kernel))):
            axes = zip(offset, spec.dilation, spec.stride, self._out, strict=True)
            window = tuple(slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, s, n in axes)
            yield number, (slice(None), slice(None), *window)

    def _padded_shape(self) -> tuple[int, ...]:
        spec = self.spec
        spatial = (n + 2 * p for n, p in zip(spec.x.shape[2:], spec.pad, strict=True))
        return (*spec.x.shape[:2], *spatial)

    def _inside(self) -> tuple[Any, ...]:
        spatial = zip(self.spec.pad, self.spec.x.shape[2:], strict=True)
        return (slice(None), slice(None), *(slice(p, p + n) for p, n in spatial))

    def _columns(self, x: np.ndarray) -> np.ndarray:
        """(group, C / group * K, N * pixels), K = number of kernel offsets."""
        spec = self.spec
        n, c = spec.x.shape[:2]
        padded = np.zeros(self._padded_shape(), x.dtype)
        padded[self._inside()] = x
        offsets = int(np.prod(spec.kernel))
        columns = np.empty((c, offsets, n, self._pixels), x.dtype)
        for number, window in self._windows():
            columns[:, number] = padded[window].reshape(n, c, self._pixels).swapaxes(0, 1)
        return columns.reshape(spec.group, c // spec.group * offsets, n * self._pixels)

    def _grouped(self, y: np.ndarray) -> np.ndarray:
        """(group, M / group, N * pixels)."""
        n, m = self.spec.y.shape[:2]
        return y.reshape(n, m, self._pixels).swapaxes(0, 1).reshape(self.spec.group, -1, n * self._pixels)

    def _weights(self, w: Tensor) -> np.ndarray:
        """(group, M / group, C / group * K)."""
        m = self.spec.weights[0]
        return w.array.reshape(self.spec.group, m // self.spec.group, -1)

    # -- the three calls
    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        n, m = self.spec.y.shape[:2]
        result = np.matmul(self._weights(w), self._columns(x.array)).reshape(m, n, self._pixels)
        if b is not None:
            result += b.array[:, None, None]
        if self.spec.relu:
            np.maximum(result, 0, out=result)
        y.array[...] = result.swapaxes(0, 1).reshape(self.spec.y.shape)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        n, c = self.spec.x.shape[:2]
        columns = np.matmul(self._weights(w).swapaxes(1, 2), self._grouped(dy.array))
        columns = columns.reshape(c, -1, n, self._pixels)
        padded = np.zeros(self._padded_shape(), _wide(columns))
        for number, window in self._windows():
            padded[window] += columns[:, number].swapaxes(0, 1).reshape(n, c, *self._out)
        dx.array[...] = padded[self._inside()]

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        gradient = self._grouped(dy.array)
        if dw is not None:
            product = np.matmul(gradient, self._columns(x.array).swapaxes(1, 2)).reshape(dw.shape)
            dw.array[...] = dw.array + product if accumulate else product
        if db is not None:
            total = gradient.sum(axis=2, dtype=_wide(gradient)).reshape(db.shape)
            db.array[...] = db.array + total if accumulate else total


def _wide(values: np.ndarray) -> np.dtype[Any]:
    """The dtype of sums: float32 for half precision, which would stop to grow at 256 (bfloat16)."""
    return np.promote_types(values.dtype, np.float32)
