"""The sigmoid's cross-entropy by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import THREADS, LossTotal, blocks, loss_type

if TYPE_CHECKING:
    from owlkit.kernels.sigmoid_loss import SigmoidLoss


class SigmoidLossKernel:
    def __init__(self, device: GpuDevice, spec: SigmoidLoss) -> None:
        check_count(spec.x)
        dtype, self._count = spec.x.dtype, spec.x.count
        compiled = program(device, "sigmoid_loss/sigmoid_loss.cu", dtype, LOSS=loss_type(dtype))
        self._costs, self._gradient = (compiled.function(f"sigmoid_{name}") for name in ("costs", "gradient"))
        self._blocks = blocks(self._count)
        self._ignore = (int(spec.ignore is not None), spec.ignore or 0)
        self._total = LossTotal(device, dtype, self._blocks, spec.normalization, self._count, spec.batch)

    def forward(self, x: Tensor, t: Tensor, loss: Tensor) -> None:
        args = (self._count, x, t, self._total.costs, self._total.counts, *self._ignore)
        self._costs.blocks(self._blocks, *args, threads=THREADS)
        self._total.write(loss)

    def backward(self, x: Tensor, t: Tensor, weight: Tensor, dx: Tensor) -> None:
        self._gradient.each(self._count, x, t, weight, self._total.normalizer, dx, *self._ignore)
