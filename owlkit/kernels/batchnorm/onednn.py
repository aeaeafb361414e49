"""Batch normalisation, scale, shift and ReLU in one oneDNN primitive for each direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.batchnorm import BatchNorm


def _data_layout(x: Descriptor) -> MemoryDescriptor:
    """(N, C, H, W) as it is, (N, C) as (N, C, 1, 1) with channels last, anything else as (N, C, rest)."""
    if x.channels_last:
        return MemoryDescriptor.of(x)
    outer, channels, inner = split(x, 1)
    if inner == 1:
        return MemoryDescriptor.of(Descriptor((outer, channels, 1, 1), x.dtype, channels_last=True))
    return MemoryDescriptor.of(Descriptor((outer, channels, inner), x.dtype))


def _flags(spec: BatchNorm) -> int:
    chosen = {
        api.NORM_GLOBAL_STATS: spec.global_stats,
        api.NORM_SCALE: spec.scale,
        api.NORM_SHIFT: spec.shift,
        api.NORM_RELU: spec.relu,
    }
    return sum(flag for flag, wanted in chosen.items() if wanted)


def _keep_nan(mean: np.ndarray, others: list[np.ndarray], y: Tensor) -> None:
    """NaN for all of a channel of y whose mean, variance, factor or shift is: see `dnnl.primitive.RELU`.

    Where the mean is infinite so is the variance, and y is NaN, too.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(others, start=mean - mean)
        lost = math.isnan(total.sum())
    if lost:
        y.array[:, np.isnan(total)] = np.nan


def _keep_given_nan(given: list[np.ndarray], y: Tensor) -> None:
    """As `_keep_nan`, where mean and variance are given. A NaN in x alone is not looked for: that takes
    another pass over x or y.

    By two products, the least that tells; unlike `dot`, `vdot` warns of no infinite number.
    """
    if math.isnan(np.vdot(given[0], given[1])) or math.isnan(np.vdot(given[-2], given[-1])):
        y.array[:, np.isnan(given).any(0)] = np.nan  # of none, where an infinite number met a 0


class BatchNormKernel:
    def __init__(self, device: Device, spec: BatchNorm) -> None:
        self._md = md = _data_layout(spec.x)
        self._channels = MemoryDescriptor.plain(spec.x.shape[1])
        self._loses_nan, self._given = spec.relu, spec.global_stats  # oneDNN's max(y, 0) is 0 for NaN
        flags, affine = _flags(spec), spec.scale or spec.shift
        self._forward = Primitive(
            device, "batch_normalization_forward", api.TRAINING, md, md, spec.eps, flags
        )
        direction = api.BACKWARD if affine else api.BACKWARD_DATA
        self._backward = Primitive(
            device, "batch_normalization_backward", direction, md, md, md, spec.eps, flags, self._forward
        )
        self._workspace = self._forward.workspace()
        self.detail = self._forward.implementation
        self.forward, self.backward = Bound(self.bind_forward), Bound(self.bind_backward)

    def _memories(self, data: dict[int, Tensor], channels: dict[int, Tensor | None]) -> dict[int, Memory]:
        memories = {key: Memory.of(tensor, self._md) for key, tensor in data.items()}
        given = {key: tensor for key, tensor in channels.items() if tensor is not None}
        memories |= {key: Memory.of(tensor, self._channels) for key, tensor in given.items()}
        return memories | ({api.WORKSPACE: self._workspace} if self._workspace else {})

    def bind_forward(
        self, x: Tensor, y: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> Callable[[], None]:
        channels = {api.MEAN: mean, api.VARIANCE: variance, api.SCALE: gamma, api.SHIFT: beta}
        run = self._forward.bind(self._memories({api.SRC: x, api.DST: y}, channels))
        if not self._loses_nan:
            return run
        others = [tensor.flat for tensor in (variance, gamma, beta) if tensor is not None]
        if self._given:
            return in_sequence(run, partial(_keep_given_nan, [mean.flat, *others], y))
        return in_sequence(run, partial(_keep_nan, mean.flat, others, y))

    def bind_backward(
        self, x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None,
        dy: Tensor, dx: Tensor, dgamma: Tensor | None, dbeta: Tensor | None,
    ) -> Callable[[], None]:  # fmt: skip
        data = {api.SRC: x, api.DIFF_DST: dy, api.DIFF_SRC: dx}
        channels = {api.MEAN: mean, api.VARIANCE: variance, api.SCALE: gamma}
        channels |= {api.DIFF_SCALE: dgamma, api.DIFF_SHIFT: dbeta}
        return self._backward.bind(self._memories(data, channels))
