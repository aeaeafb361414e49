"""The cross-entropy of independent probabilities, value by value, from their logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.losses import NONE
from owlkit.kernels.sigmoid_loss import cuda, onednn, reference

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


@dataclass(frozen=True)
class SigmoidLoss:
    """loss = 1/Z sum of max(x, 0) - x * t + log(1 + exp(-|x|)), which neither overflows nor takes log(0).

    x : descriptor of logits and targets. ignore : target of values that do not count; None: all do.
    normalization : what Z is, one of `kernels.losses`' modes. batch : length of axis 0, for one of them.
    """

    x: Descriptor
    ignore: int | None = None
    normalization: int = NONE
    batch: int = 1


def make(device: Device, spec: SigmoidLoss) -> Any:
    """A kernel with `forward(x, t, loss)` and `backward(x, t, weight, dx)`.

    loss and weight are tensors of one value; dx = weight / Z * (sigmoid(x) - t), 0 where t is ignored.
    """
    return choose(device, spec, {name: module.SigmoidLossKernel for name, module in _MODULES.items()})
