"""A loss on the distances of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.contrastive_loss import cuda, reference

_MODULES = {"cuda": cuda, "reference": reference}


@dataclass(frozen=True)
class ContrastiveLoss:
    """loss = 1/(2N) sum_n (s_n ? d_n^2 : max(0, margin - d_n)^2), d_n = |a_n - b_n|; with `legacy` pairs that
    are dissimilar cost max(0, margin - d_n^2).

    x : descriptor of a and b, (N, C) in memory.
    """

    x: Descriptor
    margin: float = 1.0
    legacy: bool = False


def make(device: Device, spec: ContrastiveLoss) -> Any:
    """A kernel with

    forward(a, b, s, loss) : writes the loss, a tensor of one value. s : (N,), similar where not 0 after what
        follows the point is cut off.
    backward(weight, sign, dx) : of the last forward. sign : 1 for a's gradient, -1 for b's. weight : a tensor
        of one value.
    """
    return choose(device, spec, {name: module.ContrastiveLossKernel for name, module in _MODULES.items()})
