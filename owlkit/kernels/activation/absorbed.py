"""The gradient of a ReLU that a layer with biases has absorbed; on a GPU with the biases' in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported, activation, choose
from owlkit.kernels.cuda.biases import Biases


@dataclass(frozen=True)
class Absorbed:
    """y = max(z + b, 0), of which only y is kept.

    y : descriptor; axis : of its channels, as many as b has values.
    """

    y: Descriptor
    axis: int


class _Separate:
    """The ReLU alone, by whatever kernel serves it."""

    def __init__(self, device: Device, spec: Absorbed) -> None:
        self._relu = activation.make(device, activation.Activation("relu", spec.y))

    def backward(self, y: Tensor, dy: Tensor, db: Tensor | None, accumulate: bool) -> bool:
        self._relu.backward(y, dy, dy)
        return False


class _InOnePass(_Separate):
    """On a GPU the gradient of b is summed from values that are in registers anyway."""

    def __init__(self, device: GpuDevice, spec: Absorbed) -> None:
        super().__init__(device, spec)
        self._biases = Biases(device, spec.y, spec.axis)
        if not self._biases.in_rows:
            raise Unsupported("channels are not neighbours in memory")

    def backward(self, y: Tensor, dy: Tensor, db: Tensor | None, accumulate: bool) -> bool:
        if db is None:
            return super().backward(y, dy, db, accumulate)
        self._biases.sum_before_relu(y, dy, db, accumulate)
        return True


def make_absorbed(device: Device, spec: Absorbed) -> Any:
    """A kernel with `backward(y, dy, db, accumulate)`, which makes dy the gradient of z + b, in place.

    It returns whether it has also written the gradient of b to db (or added it, with `accumulate`). db : None
    where that is not wanted.
    """
    others = dict.fromkeys(("onednn", "threads", "reference"), _Separate)
    return choose(device, spec, {"cuda": _InOnePass, **others})
