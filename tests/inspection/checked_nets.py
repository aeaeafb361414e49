"""Layers and nets that the tests of gradient checks look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from owlkit import L, NetSpec, P
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.support import broken
from tests.support.one_layer import OneLayer

RNG = np.random.default_rng(5)
A = RNG.standard_normal((6, 4))
B = RNG.standard_normal((6, 4))
XAVIER = {"type": "xavier"}


def larger(cls: type[broken.Larger], monkeypatch: pytest.MonkeyPatch, *, tied: bool = False) -> OneLayer:
    """One of the layers of tests/support/broken.py; `tied`: with one place where both bottoms are equal."""
    monkeypatch.setitem(LAYERS, "Larger", cls)
    a, b = A.copy(), B.copy()
    if tied:
        a[2, 1] = b[2, 1]
    net = OneLayer('type: "Larger"', a, b, dtype="float64")
    net.layer.blobs[0].data[...] = [0.5, 1.0, -1.5, 2.0]
    return net


def small_net() -> NetSpec:
    """A bit of everything: ReLU in place, overlapping pooling, dropout, batch normalisation, two readers."""
    n = NetSpec("small")
    n.data = L.Input(shape={"dim": [3, 2, 9, 9]})
    n.label = L.Input(shape={"dim": [3]})
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=XAVIER)
    n.norm = L.BatchNorm(n.conv, in_place=True)
    n.scale = L.Scale(n.norm, in_place=True, bias_term=True)
    n.relu = L.ReLU(n.scale, in_place=True)
    n.pool = L.Pooling(n.relu, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    n.drop = L.Dropout(n.pool)
    n.ip = L.InnerProduct(n.drop, num_output=5, weight_filler=XAVIER)
    n.tanh = L.TanH(n.ip)
    n.both = L.Eltwise(n.ip, n.tanh)
    n.loss = L.SoftmaxWithLoss(n.both, n.label)
    n.accuracy = L.Accuracy(n.both, n.label)
    return n


class HalfTanH(TanH):
    """Forgets the inner derivative where the result is negative."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        negative = top[0].data < 0
        bottom[0].diff[negative] = top[0].diff[negative]
