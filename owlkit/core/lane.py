"""Lanes: how a batch that another thread has made comes to where a net computes."""

from __future__ import annotations

import numpy as np

from owlkit.core.memory import allocate
from owlkit.core.tensor import Descriptor, Tensor


class Lane:
    """Memory for one batch on its way to a device; this one leads to the CPU.

    array : what the batch is written to, in Caffe's order over the layout of the tensors it goes to.

    The maker calls `wait`, writes and calls `send`, in a thread of its own; the consumer calls `receive`.
    """

    def __init__(self, descriptor: Descriptor) -> None:
        self._tensor = Tensor(descriptor, self._allocate(descriptor.nbytes))
        self.array = self._tensor.array

    def _allocate(self, nbytes: int) -> np.ndarray:
        return allocate(nbytes)

    def wait(self) -> None:
        """Wait until what was sent last is away, so that `array` may be written."""

    def send(self) -> None:
        """Begin to move what was written."""

    def receive(self, tensor: Tensor) -> None:
        """Put what was sent into `tensor`, of the same descriptor."""
        np.copyto(tensor.flat, self._tensor.flat)
