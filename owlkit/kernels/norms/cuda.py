"""Norms on the GPU: sums of squares there, and as many numbers as there are blocks come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.norms import Norms

_THREADS, _BLOCKS = 256, 64  # of the largest tensor; looking must not take the GPU from the training


class NormsKernel:
    def __init__(self, device: GpuDevice, spec: Norms) -> None:
        check_count(*spec.values)
        self._functions = [
            program(device, "update/clip.cu", d.dtype).function("squares") for d in spec.values
        ]
        self._grids = [max(1, min(-(-d.count // (_THREADS * pack(d.dtype))), _BLOCKS)) for d in spec.values]
        self._ends = np.cumsum(self._grids)
        self._sums = Tensor(Descriptor((int(self._ends[-1]) if self._grids else 0,), "float64"))
        if self._grids:  # now: weights are first looked at after 200 iterations, when the GPU may be full
            device.gpu.mirror(self._sums.memory)

    def __call__(self, tensors: Sequence[Tensor]) -> np.ndarray:
        first = 0
        for tensor, function, blocks in zip(tensors, self._functions, self._grids, strict=True):
            function.blocks(blocks, tensor.descriptor.count, tensor, self._sums, first, threads=_THREADS)
            first += blocks
        parts = np.split(self._sums.peek(), self._ends[:-1])
        return np.sqrt([part.sum() for part in parts])
