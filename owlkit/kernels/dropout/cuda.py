"""Dropout by our CUDA kernels, with random numbers that depend on nothing but a key and a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.dropout import Dropout

_VALUES = 8  # of one thread, as in dropout.cu


class DropoutKernel:
    """The count of masks lies in the GPU's memory, and a kernel raises it: a captured pass draws anew when it
    is replayed. Any ratio is met to within 2^-17."""

    def __init__(self, device: GpuDevice, spec: Dropout) -> None:
        check_count(spec.x)
        compiled = program(device, "dropout/dropout.cu", spec.x.dtype, headers=("cuda/philox.cuh",))
        self._draw, self._apply = compiled.function("draw"), compiled.function("apply")
        self._count, self._scale = spec.x.count, 1 / (1 - spec.ratio)
        self._threshold = round(spec.ratio * 2**16)
        self._state = Tensor(Descriptor((4,), "uint32"))
        self.moving = (self._state,)

    def draw(self, rng: np.random.Generator) -> None:
        self._draw.blocks(1, self._state, threads=32)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._apply.each(self._count, x, y, self._state, self._threshold, self._scale, per_thread=_VALUES)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self.forward(dy, dx)

    def state(self) -> dict[str, Any]:
        return {"philox": [int(word) for word in self._state.peek()]}

    def restore(self, state: dict[str, Any], rng: np.random.Generator) -> None:
        words = state.get("philox") or [*rng.integers(2**32, size=2).tolist(), 0, 0]
        self._state.flat[...] = np.array(words, np.uint32)
