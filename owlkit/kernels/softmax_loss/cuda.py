"""Softmax loss by our CUDA kernels: labels are read, checked and counted on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import program
from owlkit.kernels.losses import Labels
from owlkit.kernels.softmax.cuda import WARPS

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


class SoftmaxLossKernel:
    def __init__(self, device: GpuDevice, spec: SoftmaxLoss) -> None:
        rows, self._length, inner = split(spec.x, spec.axis)
        if inner != 1:
            raise Unsupported("a row's scores are not neighbours in memory")
        half = spec.x.dtype in ("float16", "bfloat16")
        # Half precision cannot hold every label: labels and losses are float32 there.
        wide = "float" if half else "T"
        compiled = program(
            device, "softmax_loss/softmax_loss.cu", spec.x.dtype, headers=("softmax/rows.cuh",), LABEL=wide,
            LOSS=wide, MODE=spec.normalization,
        )  # fmt: skip
        self._rows, self._batch, self._blocks = rows, spec.batch, -(-rows // WARPS)
        self._ignore = (int(spec.ignore is not None), spec.ignore or 0)
        sums = "float64" if spec.x.dtype == "float64" else "float32"
        self._losses, self._counts = (Tensor(Descriptor((rows,), sums)) for _ in range(2))
        self._normalizer = Tensor(Descriptor((1,), sums))
        names = ("loss_rows", "loss_total", "loss_backward")
        self._each, self._total, self._backward = (compiled.function(name) for name in names)

    def forward(self, x: Tensor, p: Tensor, labels: Labels, loss: Tensor) -> None:
        given, losses, counts = self._given(labels), self._losses, self._counts
        rows = (x, given, p, losses, counts, self._length, *self._ignore)
        self._each.blocks(self._blocks, self._rows, *rows, threads=32 * WARPS)
        total = (losses, counts, loss, self._normalizer, self._batch)
        self._total.blocks(1, self._rows, *total, threads=1024)

    def backward(self, p: Tensor, labels: Labels, weight: Tensor, dx: Tensor) -> None:
        rows = (p, self._given(labels), weight, self._normalizer, dx, self._length, *self._ignore)
        self._backward.blocks(self._blocks, self._rows, *rows, threads=32 * WARPS)

    @staticmethod
    def _given(labels: Labels) -> Tensor:
        tensor = labels.tensor()
        assert tensor is not None, "labels lie in the order of the scores where inner is 1"
        return tensor
