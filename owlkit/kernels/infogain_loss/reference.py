"""The infogain loss in NumPy; softmax and logarithm are the device's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import elementwise, softmax
from owlkit.kernels.axes import split
from owlkit.kernels.losses import LEAST_PROBABILITY, Labels, normalizer

if TYPE_CHECKING:
    from owlkit.kernels.infogain_loss import InfogainLoss


class InfogainLossKernel:
    def __init__(self, device: Device, spec: InfogainLoss) -> None:
        self._mode, self._batch, self._positions = spec.normalization, spec.batch, spec.positions
        self._split = split(spec.x, spec.axis)
        self._softmax = softmax.make(device, softmax.Softmax(spec.x, spec.axis))
        self._log = elementwise.make(device, elementwise.Elementwise("log", spec.x))
        self._logarithms = Tensor(spec.x)

    def _prices(self, labels: Labels, h: np.ndarray) -> tuple[np.ndarray, int]:
        """h of each position's label, (outer, K, inner) as the scores lie in memory, 0 where ignored; and how
        many are not ignored.
        """
        outer, classes, inner = self._split
        targets, ignored = labels.targets()
        rows = h.reshape(classes, classes)[targets]
        if ignored is not None:
            rows[ignored] = 0
        valid = self._positions - (0 if ignored is None else int(ignored.sum()))
        return rows.reshape(outer, inner, classes).transpose(0, 2, 1), valid

    def forward(self, x: Tensor, p: Tensor, labels: Labels, h: Tensor, loss: Tensor) -> None:
        self._h, valid = self._prices(labels, h.peek())
        self._normalizer = normalizer(self._mode, self._batch, self._positions, valid)
        self._softmax.forward(x, p)
        logarithms = self._logarithms
        np.maximum(p.flat, LEAST_PROBABILITY, out=logarithms.flat)
        self._log.forward(logarithms, logarithms)
        products = np.einsum("okn,okn->on", self._h, logarithms.flat.reshape(self._split))
        loss.array[...] = -products.sum() / self._normalizer

    def backward(self, p: Tensor, labels: Labels, h: Tensor, weight: Tensor, dx: Tensor) -> None:
        scale = float(weight.peek()) / self._normalizer
        gradient = dx.flat.reshape(self._split)
        np.multiply(p.flat.reshape(self._split), np.einsum("okn->on", self._h)[:, None], out=gradient)
        np.subtract(gradient, self._h, out=gradient)
        np.multiply(gradient, scale, out=gradient)
