"""One axis of a tensor against all others, in the order of memory."""

from __future__ import annotations

import math

import numpy as np

from owlkit.core.tensor import Descriptor

Split = tuple[int, int, int]


def memory_order(descriptor: Descriptor) -> tuple[int, ...]:
    """The axes as they lie in memory, slowest first: (0, 2, 3, 1) for channels-last."""
    return (0, 2, 3, 1) if descriptor.channels_last else tuple(range(len(descriptor.shape)))


def split(descriptor: Descriptor, axis: int) -> Split:
    """(outer, length, inner) such that memory in C order of these three has `axis` in the middle.

    axis : non-negative, in Caffe's order. Channels of a channels-last tensor have inner = 1: they are
    contiguous.
    """
    order = memory_order(descriptor)
    lengths = [descriptor.shape[a] for a in order]
    at = order.index(axis)
    return math.prod(lengths[:at]), lengths[at], math.prod(lengths[at + 1 :])


def rows(array: np.ndarray, descriptor: Descriptor, axis: int) -> np.ndarray:
    """Values that belong to the positions of `descriptor` without `axis`, (outer * inner,) in memory order.

    array : as many values as there are positions, in Caffe's order, any shape.
    """
    shape = descriptor.shape[:axis] + descriptor.shape[axis + 1 :]
    order = [a - (a > axis) for a in memory_order(descriptor) if a != axis]
    return array.reshape(shape).transpose(order).reshape(-1)
