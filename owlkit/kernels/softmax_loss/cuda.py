"""Softmax loss by our CUDA kernels: labels are read, checked and counted on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import program
from owlkit.kernels.cuda.totals import LossTotal, loss_type
from owlkit.kernels.losses import Labels
from owlkit.kernels.softmax.cuda import WARPS

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


class SoftmaxLossKernel:
    def __init__(self, device: GpuDevice, spec: SoftmaxLoss) -> None:
        outer, length, inner = split(spec.x, spec.axis)
        rows, self._sizes = outer * inner, (length, inner)
        dtype, wide = spec.x.dtype, loss_type(spec.x.dtype)
        compiled = program(
            device,
            "softmax_loss/softmax_loss.cu",
            dtype,
            headers=("softmax/rows.cuh",),
            LABEL=wide,
            LOSS=wide,
        )
        self._rows, self._blocks = rows, -(-rows // WARPS)
        self._ignore = (int(spec.ignore is not None), spec.ignore or 0)
        self._total = LossTotal(device, dtype, rows, spec.normalization, rows, spec.batch)
        self._each, self._backward = (compiled.function(f"loss_{name}") for name in ("rows", "backward"))

    def forward(self, x: Tensor, p: Tensor, labels: Labels, loss: Tensor) -> None:
        total = self._total
        rows = (x, labels.tensor(), p, total.costs, total.counts, *self._sizes, *self._ignore)
        self._each.blocks(self._blocks, self._rows, *rows, threads=32 * WARPS)
        total.write(loss)

    def backward(self, p: Tensor, labels: Labels, weight: Tensor, dx: Tensor) -> None:
        rows = (p, labels.tensor(), weight, self._total.normalizer, dx, *self._sizes, *self._ignore)
        self._backward.blocks(self._blocks, self._rows, *rows, threads=32 * WARPS)
