"""Batch normalisation, with the scale, shift and ReLU that follow it where one kernel can do them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.batchnorm import onednn, reference


@dataclass(frozen=True)
class BatchNorm:
    """y = relu(gamma * (x - mean) / sqrt(variance + eps) + beta).

    Mean and variance go over all axes but the channels'.

    x : descriptor of bottom and top, (N, C, ...); channels on axis 1.
    eps : added to the variance.
    global_stats : mean and variance are given, constants for the gradient; otherwise `forward` writes the
        batch's (the variance is the biased one).
    scale, shift : whether there is a gamma, a beta.
    relu : whether negative results become 0.
    """

    x: Descriptor
    eps: float
    global_stats: bool = False
    scale: bool = False
    shift: bool = False
    relu: bool = False


def make(device: Device, spec: BatchNorm) -> Any:
    """A kernel over tensors of (N, C, ...) and (C,).

    forward(x, y, mean, variance, gamma, beta); x and y must not share memory.
    backward(x, mean, variance, gamma, dy, dx, dgamma, dbeta) overwrites dx, dgamma and dbeta; dx may be dy.
    Arguments that the spec has no use for are None.
    """
    return choose(device, spec, {"onednn": onednn.BatchNormKernel, "reference": reference.BatchNormKernel})
