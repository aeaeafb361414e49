"""Uniform random numbers drawn on the GPU, new ones in every replay of a captured pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.program import program


class Uniform:
    """Fills tensors with numbers in (0, 1], float32, by Philox 4x32-10.

    The number of draws lies in the GPU's memory, and a kernel raises it. moving : the tensor that holds it.
    """

    def __init__(self, device: GpuDevice) -> None:
        compiled = program(device, "cuda/uniform.cu", "float32", headers=("cuda/philox.cuh",))
        self._count, self._fill = compiled.function("count_draw"), compiled.function("fill_uniform")
        self._state = Tensor(Descriptor((4,), "uint32"))
        self.moving = (self._state,)

    def draw(self, values: Tensor) -> None:
        """New numbers in all of `values`."""
        self._count.blocks(1, self._state, threads=32)
        self._fill.each(values.descriptor.count, self._state, values, per_thread=4)

    def state(self) -> dict[str, Any]:
        """What the next numbers depend on, JSON-able."""
        return {"philox": [int(word) for word in self._state.peek()]}

    def restore(self, state: dict[str, Any], rng: np.random.Generator) -> None:
        """Go on from `state`; where it holds nothing, start with a key from `rng`."""
        words = state.get("philox") or [*rng.integers(2**32, size=2).tolist(), 0, 0]
        self._state.flat[...] = np.array(words, np.uint32)
