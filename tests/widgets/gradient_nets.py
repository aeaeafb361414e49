"""Nets for the notebook of the gradient check's browser test, one of them wrong on purpose."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from owlkit import L, NetSpec, P
from owlkit.layers import Layer, register
from owlkit.layers.base import Blobs

DWELL = Path("dwell")
"""While there is a file of that name in the kernel's folder, `WrongInPart` takes minutes."""


@register("HastySoftsign")
class HastySoftsign(Layer):
    """x / (1 + |x|), with a derivative that lacks a square."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        top[0].data[...] = x / (1 + np.abs(x))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff / (1 + np.abs(bottom[0].data))


@register("WrongInPart")
class WrongInPart(Layer):
    """The identity, whose gradient is wrong for some channels of some images; slow, see DWELL."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        time.sleep(0.1 if DWELL.exists() else 8e-4)
        top[0].data[...] = bottom[0].data

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff
            bottom[0].diff[2:4, 1] *= 1.6


def small(activation: str = "TanH") -> object:
    """A bit of everything; `activation` is the type of the layer `act`."""
    xavier = {"type": "xavier"}
    n = NetSpec("small")
    n.data = L.Input(shape={"dim": [8, 1, 16, 16]})
    n.label = L.Input(shape={"dim": [8]})
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=xavier)
    n.act = L.TanH(n.conv)
    n.relu = L.ReLU(n.act, in_place=True)
    n.pool = L.Pooling(n.relu, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    n.fc = L.InnerProduct(n.pool, num_output=12, weight_filler=xavier)
    n.score = L.InnerProduct(n.fc, num_output=5, weight_filler=xavier)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    definition = n.to_proto()
    next(layer for layer in definition.layer if layer.name == "act").type = activation
    return definition
