"""Stochastic pooling in NumPy, as Caffe does it on GPUs: one pass over the input per place in the window.

Arrays are taken as (N, H, W, C), the order in which activations lie in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Stochastic:
    """Of each window of x, without padding: one value, drawn in proportion to the values, or their mean.

    kernel, stride : (height, width).
    x, y : descriptors of bottom and top, (N, C, H, W); windows are cut off at the lower and right edge.
    draws : whether values are drawn (training) or averaged, y = sum x^2 / sum x. varies : as of Pooling.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    x: Descriptor
    y: Descriptor
    draws: bool
    varies: bool = False


def _by_places(tensor: Tensor) -> np.ndarray:
    return tensor.array.transpose(0, 2, 3, 1)


class StochasticKernel:
    """uniform : numbers in (0, 1], one per window, the shape of y."""

    moving: tuple[Tensor, ...] = ()

    def __init__(self, device: Device, spec: Stochastic) -> None:
        self.spec = spec
        n, c, h, w = spec.y.shape
        self._shape = (n, h, w, c)
        self._views = list(self._places())
        self.uniform = Tensor(Descriptor(spec.y.shape, "float32", True))
        # Of each window: which place was drawn, counted in rows from 0; -1 for none.
        self._choice = np.full(self._shape, -1, np.int32)
        self._total = self._mean = np.zeros(self._shape, spec.x.dtype)

    def _places(self) -> Iterator[tuple[int, Slices, Slices]]:
        """(number, where in x the windows have this place, which of the windows have it), row by row."""
        spec = self.spec
        for i in range(spec.kernel[0]):
            for j in range(spec.kernel[1]):
                seen, windows = [slice(None)], [slice(None)]
                for axis, offset in enumerate((i, j)):
                    stride, room = spec.stride[axis], spec.x.shape[2 + axis] - offset
                    count = max(0, min(spec.y.shape[2 + axis], -(-room // stride)))
                    seen.append(slice(offset, offset + count * stride, stride))
                    windows.append(slice(0, count))
                yield i * spec.kernel[1] + j, tuple(seen), tuple(windows)

    def draw(self, rng: np.random.Generator) -> None:
        """New numbers; 0 itself would choose a leading place that holds 0."""
        values = self.uniform.flat
        rng.random(dtype=np.float32, out=values)
        np.subtract(1, values, out=values)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any], rng: np.random.Generator) -> None:
        """Nothing to do: all numbers come from the generator that `draw` is given."""

    def forward(self, x: Tensor, y: Tensor) -> None:
        source = _by_places(x)
        self._total = np.zeros(self._shape, x.dtype)
        for _, seen, windows in self._views:
            self._total[windows] += source[seen]
        _by_places(y)[...] = self._drawn(source) if self.spec.draws else self._averaged(source)

    def _drawn(self, x: np.ndarray) -> np.ndarray:
        """Of each window the first value at which the running sum reaches its share of the whole."""
        threshold = _by_places(self.uniform) * self._total
        running = np.zeros_like(self._total)
        drawn = np.where(np.isnan(self._total), self._total, 0)  # where nothing can be drawn
        self._choice[...] = -1
        for number, seen, windows in self._views:
            running[windows] += x[seen]
            hit = (running[windows] >= threshold[windows]) & (self._choice[windows] < 0)
            np.copyto(self._choice[windows], number, where=hit)
            np.copyto(drawn[windows], x[seen], where=hit)
        return drawn

    def _averaged(self, x: np.ndarray) -> np.ndarray:
        squares = np.zeros_like(self._total)
        for _, seen, windows in self._views:
            squares[windows] += np.square(x[seen])
        self._mean = self._over_total(squares)
        return self._mean

    def _over_total(self, values: np.ndarray) -> np.ndarray:
        """values / total, 0 where the total is not positive; NaN stays."""
        return np.divide(values, self._total, out=np.zeros_like(values), where=~(self._total <= 0))

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        source, above, below = _by_places(x), _by_places(dy), _by_places(dx)
        below[...] = 0
        if self.spec.draws:
            for number, seen, windows in self._views:
                below[seen] += np.where(self._choice[windows] == number, above[windows], 0)
            return
        share = self._over_total(np.ascontiguousarray(above))
        for _, seen, windows in self._views:
            below[seen] += share[windows] * (2 * source[seen] - self._mean[windows])
