"""Squared differences by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import THREADS, LossTotal, blocks, loss_type
from owlkit.kernels.losses import BATCH_SIZE

if TYPE_CHECKING:
    from owlkit.kernels.euclidean_loss import EuclideanLoss


class EuclideanLossKernel:
    def __init__(self, device: GpuDevice, spec: EuclideanLoss) -> None:
        check_count(spec.x)
        dtype = spec.x.dtype
        compiled = program(device, "euclidean_loss/euclidean_loss.cu", dtype, LOSS=loss_type(dtype))
        self._differences = compiled.function("squared_differences")
        self._scaled = compiled.function("difference_scaled")
        self._count, self._batch = spec.x.count, max(spec.batch, 1)
        self._blocks = blocks(self._count)
        self._total = LossTotal(device, dtype, self._blocks, BATCH_SIZE, self._count, self._batch)

    def forward(self, a: Tensor, b: Tensor, difference: Tensor, loss: Tensor) -> None:
        args = (self._count, a, b, difference, self._total.costs, self._total.counts)
        self._differences.blocks(self._blocks, *args, threads=THREADS)
        self._total.write(loss)

    def backward(self, difference: Tensor, weight: Tensor, sign: int, da: Tensor) -> None:
        self._scaled.each(self._count, difference, weight, da, sign, self._batch)
