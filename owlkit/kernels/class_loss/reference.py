"""Losses of one label per image in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.losses import LEAST_PROBABILITY, Labels

if TYPE_CHECKING:
    from owlkit.kernels.class_loss import ClassLoss


class ClassLossKernel:
    """own : where the labels' values lie, kept for backward with the margins, or the probabilities."""

    def __init__(self, device: Device, spec: ClassLoss) -> None:
        self._kind, self._shape = spec.kind, spec.rows
        self._images = max(spec.rows[0], 1)
        self._every = np.arange(spec.rows[0])
        self._margin = np.empty(spec.rows if spec.kind != "log" else 0, spec.x.dtype)

    def forward(self, x: Tensor, labels: Labels, loss: Tensor) -> None:
        targets, _ = labels.targets()
        self._own = self._every, targets
        values = x.peek().reshape(self._shape)
        total = self._likelihood(values) if self._kind == "log" else self._margins(values)
        loss.array[...] = total / self._images

    def _likelihood(self, p: np.ndarray) -> float:
        self._q = np.maximum(p[self._own], LEAST_PROBABILITY)
        return -float(np.log(self._q).sum())

    def _margins(self, scores: np.ndarray) -> float:
        margin = self._margin
        margin[...] = scores
        margin[self._own] *= -1
        np.add(margin, 1, out=margin)
        np.maximum(margin, 0, out=margin)
        return float((margin if self._kind == "hinge" else np.square(margin)).sum())

    def backward(self, x: Tensor, labels: Labels, weight: Tensor, dx: Tensor) -> None:
        scale = float(weight.peek()) / self._images
        if self._kind == "log":
            gradient = np.zeros(self._shape, dx.dtype)
            gradient[self._own] = -scale / self._q
        else:
            factor = self._margin.dtype.type(scale if self._kind == "hinge" else 2 * scale)
            gradient = (self._margin > 0 if self._kind == "hinge" else self._margin) * factor
            gradient[self._own] *= -1
        dx.array[...] = gradient.reshape(dx.shape)
