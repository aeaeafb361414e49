"""The infogain loss by our CUDA kernels: labels are read, checked and counted on the GPU."""

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
    from owlkit.kernels.infogain_loss import InfogainLoss


class InfogainLossKernel:
    def __init__(self, device: GpuDevice, spec: InfogainLoss) -> None:
        outer, length, inner = split(spec.x, spec.axis)
        self._rows, self._sizes = outer * inner, (length, inner)
        dtype, wide = spec.x.dtype, loss_type(spec.x.dtype)
        headers = ("softmax/rows.cuh",)
        compiled = program(
            device, "infogain_loss/infogain_loss.cu", dtype, headers=headers, LABEL=wide, LOSS=wide
        )
        self._blocks = -(-self._rows // WARPS)
        self._ignore = (int(spec.ignore is not None), spec.ignore or 0)
        self._total = LossTotal(device, dtype, self._rows, spec.normalization, self._rows, spec.batch)
        self._costs, self._gradient = (
            compiled.function(f"infogain_{name}") for name in ("costs", "gradient")
        )

    def forward(self, x: Tensor, p: Tensor, labels: Labels, h: Tensor, loss: Tensor) -> None:
        total = self._total
        args = (x, labels.tensor(), h, p, total.costs, total.counts, *self._sizes, *self._ignore)
        self._costs.blocks(self._blocks, self._rows, *args, threads=32 * WARPS)
        total.write(loss)

    def backward(self, p: Tensor, labels: Labels, h: Tensor, weight: Tensor, dx: Tensor) -> None:
        given = (p, labels.tensor(), h, weight, self._total.normalizer)
        args = (*given, dx, *self._sizes, *self._ignore)
        self._gradient.blocks(self._blocks, self._rows, *args, threads=32 * WARPS)
