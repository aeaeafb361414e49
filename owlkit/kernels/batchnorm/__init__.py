"""Batch normalisation, with the scale, shift and ReLU that follow it where one kernel can do them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.batchnorm import cuda, onednn, reference, statistics

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


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
    return choose(device, spec, {name: module.BatchNormKernel for name, module in _MODULES.items()})


@dataclass(frozen=True)
class Statistics:
    """Running mean and variance, with a scale by which both are to be divided, as Caffe keeps them.

    channels : descriptor of mean and variance, (C,). fraction : how much of the running values stays.
    unbias : m / (m - 1) for batches of m values per channel.
    """

    channels: Descriptor
    fraction: float = 0.999
    unbias: float = 1.0


def make_statistics(device: Device, spec: Statistics) -> Any:
    """A kernel with

    follow(mean, variance, running) : running = fraction * running + (mean, unbias * variance, 1);
    read(running, mean, variance) : the mean and variance that these stand for, 0 where the scale is 0.

    running : tensors of mean (C,), variance (C,) and scale (1,).
    """
    found = {"cuda": cuda.StatisticsKernel, "reference": statistics.StatisticsKernel}
    return choose(device, spec, found)
