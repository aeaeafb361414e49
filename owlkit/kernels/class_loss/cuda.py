"""Losses of one label per image by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import LossTotal, loss_type
from owlkit.kernels.losses import BATCH_SIZE, Labels

if TYPE_CHECKING:
    from owlkit.kernels.class_loss import ClassLoss

_KINDS = {"hinge": 1, "squared_hinge": 2, "log": 0}
_WARPS = 4  # images that a block takes


class ClassLossKernel:
    def __init__(self, device: GpuDevice, spec: ClassLoss) -> None:
        check_count(spec.x)
        self._images, classes = spec.rows
        dtype, wide = spec.x.dtype, loss_type(spec.x.dtype)
        compiled = program(
            device, "class_loss/class_loss.cu", dtype, KIND=_KINDS[spec.kind], LABEL=wide, LOSS=wide
        )
        self._costs, self._gradient = (compiled.function(f"class_{name}") for name in ("costs", "gradient"))
        channels = 1 if spec.x.is_plain else spec.x.shape[1]
        self._count, self._sizes = spec.x.count, (classes, channels)
        self._total = LossTotal(device, dtype, self._images, BATCH_SIZE, self._images, self._images)

    def forward(self, x: Tensor, labels: Labels, loss: Tensor) -> None:
        total = self._total
        args = (self._images, x, labels.tensor(), total.costs, total.counts, *self._sizes)
        self._costs.blocks(-(-self._images // _WARPS), *args, threads=32 * _WARPS)
        total.write(loss)

    def backward(self, x: Tensor, labels: Labels, weight: Tensor, dx: Tensor) -> None:
        normalizer = self._total.normalizer
        self._gradient.each(self._count, x, labels.tensor(), weight, normalizer, dx, *self._sizes)
