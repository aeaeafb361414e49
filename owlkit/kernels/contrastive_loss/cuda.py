"""A loss on the distances of pairs, by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import LossTotal, accumulator, loss_type
from owlkit.kernels.losses import BATCH_SIZE

if TYPE_CHECKING:
    from owlkit.kernels.contrastive_loss import ContrastiveLoss

_WARPS = 4  # pairs that a block takes


class ContrastiveLossKernel:
    def __init__(self, device: GpuDevice, spec: ContrastiveLoss) -> None:
        check_count(spec.x)
        dtype = spec.x.dtype
        self._pairs, self._length = spec.x.shape[:2]
        compiled = program(
            device,
            "contrastive_loss/contrastive_loss.cu",
            dtype,
            LOSS=loss_type(dtype),
            LEGACY=int(spec.legacy),
        )
        self._costs, self._gradient = (compiled.function(f"pair_{name}") for name in ("costs", "gradient"))
        self._difference = Tensor(Descriptor((self._pairs, self._length), dtype))
        self._slopes = Tensor(Descriptor((self._pairs,), accumulator(dtype)))
        self._margin, self._count = spec.margin, spec.x.count
        self._total = LossTotal(device, dtype, self._pairs, BATCH_SIZE, self._pairs, self._pairs)

    def forward(self, a: Tensor, b: Tensor, s: Tensor, loss: Tensor) -> None:
        written = (self._difference, self._slopes, self._total.costs, self._total.counts)
        args = (self._pairs, a, b, s, *written, self._length, self._margin)
        self._costs.blocks(-(-self._pairs // _WARPS), *args, threads=32 * _WARPS)
        self._total.write(loss)

    def backward(self, weight: Tensor, sign: int, dx: Tensor) -> None:
        given = (self._difference, self._slopes, weight, self._total.normalizer)
        self._gradient.each(self._count, *given, dx, self._length, sign)
