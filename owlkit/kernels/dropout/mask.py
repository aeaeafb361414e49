"""The random mask, one byte per element."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor


def random_bytes(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count,) uint8, uniform: the generator's raw words, three times faster than its `bytes`."""
    if isinstance(rng.bit_generator, np.random.MT19937):  # its raw words have 32 random bits of 64
        return np.frombuffer(rng.bytes(count), np.uint8)
    return rng.bit_generator.random_raw(-(-count // 8)).view(np.uint8)[:count]


class Mask:
    """keep : (count,) uint8 tensor of 0 and 1, in memory order.

    A ratio that is a multiple of 1/256 costs one random byte per element; any other costs two and is met to
    within 2^-17.
    """

    def __init__(self, count: int, ratio: float) -> None:
        self.keep = Tensor(Descriptor((count,), "uint8"))
        self._width = 1 if (ratio * 256).is_integer() else 2
        self._threshold = round(ratio * 256**self._width)

    def draw(self, rng: np.random.Generator) -> None:
        count = self.keep.descriptor.count
        values = random_bytes(rng, count * self._width).view(f"u{self._width}")
        if self._threshold < 256**self._width:
            np.greater_equal(values, self._threshold, out=self.keep.flat.view(np.bool_))
        else:
            self.keep.flat[...] = 0


class DrawnOnHost:
    """What the kernels with a `Mask` share: masks come from a generator, which alone is their state."""

    _mask: Mask
    moving: tuple[Tensor, ...] = ()

    def draw(self, rng: np.random.Generator) -> None:
        self._mask.draw(rng)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any], rng: np.random.Generator) -> None:
        """There is nothing to restore."""
