"""A net whose answers are known by hand: it looks for what is bright, in the left half and in the right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from owlkit import L, Net, NetSpec

SIDE = 24
LABELS = ["left", "right", "neither"]


def halves() -> Net:
    """conv (4 channels, 1x1: bright, dark, half as bright, none), ReLU in place, ip over it, prob.

    Class 0 sums what is bright in the left half, class 1 in the right half, class 2 nothing. Channel 3 is
    dead on every image; channel 1 on those without dark places.
    """
    n = NetSpec("halves")
    n.data = L.Input(shape=dict(dim=[2, 1, SIDE, SIDE]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=1)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.ip = L.InnerProduct(n.relu, num_output=3, bias_term=False)
    n.prob = L.Softmax(n.ip)
    net = Net(n, seed=1, phase="test")
    net.params["conv"][0].data[...] = np.array([1, -1, 0.5, 0], np.float32).reshape(4, 1, 1, 1)
    net.params["conv"][1].data[...] = np.array([0, 0, 0, -1], np.float32)
    weights = np.zeros((3, 4, SIDE, SIDE), np.float32)
    weights[0, 0, :, : SIDE // 2] = weights[1, 0, :, SIDE // 2 :] = 0.001
    net.params["ip"][0].data[...] = weights.reshape(3, -1)
    return net


def picture(column: int = 4) -> NDArray[np.float32]:
    """(1, SIDE, SIDE): 0, but for a bright square of 6 x 6 from row 10 and this column on."""
    image = np.zeros((1, SIDE, SIDE), np.float32)
    image[0, 10:16, column : column + 6] = 100
    return image
