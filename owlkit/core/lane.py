"""Lanes: how a batch that another thread has made comes to where a net computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.memory import allocate
from owlkit.core.tensor import Descriptor, Tensor


class Lane:
    """Memory for one batch on its way to a device; this one leads to the CPU.

    arrays : what the batch is written to, in Caffe's order over the layout of the tensors it goes to: one for
        each of them, such as data and labels.

    The maker calls `wait`, writes and calls `send`, in a thread of its own; the consumer calls `receive`, for
    one batch after the other in the order in which they were sent.
    """

    def __init__(self, descriptors: Sequence[Descriptor]) -> None:
        self._parts = self._tensors(descriptors)
        self.arrays = tuple(part.array for part in self._parts)

    def _tensors(self, descriptors: Sequence[Descriptor]) -> list[Tensor]:
        return [Tensor(descriptor, allocate(descriptor.nbytes)) for descriptor in descriptors]

    def wait(self) -> None:
        """Wait until what was sent last is away, so that `arrays` may be written."""

    def send(self) -> None:
        """Begin to move what was written."""

    def receive(self, tensors: Sequence[Tensor]) -> None:
        """Put what was sent into tensors of the same descriptors."""
        for tensor, part in zip(tensors, self._parts, strict=True):
            np.copyto(tensor.flat, part.flat)
