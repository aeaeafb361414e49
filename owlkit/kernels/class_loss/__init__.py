"""Losses of one label per image, where every value of the image stands for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.class_loss import cuda, reference

_MODULES = {"cuda": cuda, "reference": reference}


@dataclass(frozen=True)
class ClassLoss:
    """loss = 1/N sum over images n of f(x[n], label_n).

    kind : "hinge" sum_k m_k, "squared_hinge" sum_k m_k^2, with m_k = max(0, 1 - s x_k), s = 1 for the label
        and -1 elsewhere; "log" -log(max(x_label, 1e-20)).
    x : (N, ...), whose other axes, as one in Caffe's order, are the classes.
    """

    kind: str
    x: Descriptor

    @property
    def rows(self) -> tuple[int, int]:
        """(N, classes)."""
        images = self.x.shape[0]
        return images, self.x.count // max(images, 1)


def make(device: Device, spec: ClassLoss) -> Any:
    """A kernel with

    forward(x, labels, loss) : writes the loss, a tensor of one value. labels : `kernels.losses.Labels`.
    backward(x, labels, weight, dx) : the gradient for the labels of the last forward; weight is a tensor of
        one value. That of "log" does not vanish below 1e-20.

    A label that is not allowed raises DataError; on a GPU, which cannot stop for it, the loss is NaN.
    """
    return choose(device, spec, {name: module.ClassLossKernel for name, module in _MODULES.items()})
