"""Ranks by our CUDA kernels: labels are read, checked and counted on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import THREADS, LossTotal, loss_type
from owlkit.kernels.losses import VALID, Labels

if TYPE_CHECKING:
    from owlkit.kernels.rank import Rank

_WARPS = 4  # positions that a block takes


class RankKernel:
    def __init__(self, device: GpuDevice, spec: Rank) -> None:
        check_count(spec.x)
        outer, self._classes, inner = split(spec.x, spec.axis)
        self._rows, wide = outer * inner, loss_type(spec.x.dtype)
        compiled = program(device, "rank/rank.cu", spec.x.dtype, LABEL=wide, LOSS=wide)
        self._labels, self._shares = compiled.function("rank_labels"), compiled.function("rank_classes")
        least = self._classes - spec.top_k
        self._numbers = (self._classes, inner, least, int(spec.ignore is not None), spec.ignore or 0)
        self._total = LossTotal(device, spec.x.dtype, self._rows, VALID, self._rows, outer)

    def forward(self, x: Tensor, labels: Labels, share: Tensor, shares: Tensor | None = None) -> None:
        total, given = self._total, labels.tensor()
        args = (self._rows, x, given, total.costs, total.counts, *self._numbers)
        self._labels.blocks(-(-self._rows // _WARPS), *args, threads=32 * _WARPS)
        total.write(share)
        if shares is not None:
            classes = (self._rows, given, total.costs, total.counts, shares)
            self._shares.blocks(self._classes, *classes, threads=THREADS)
