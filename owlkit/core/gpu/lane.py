"""A lane to a GPU: the way over the bus is made while the GPU computes on the batch before."""

from __future__ import annotations

import numpy as np

from owlkit.core.gpu.gpu import Gpu
from owlkit.core.lane import Lane
from owlkit.core.tensor import Descriptor, Tensor


class GpuLane(Lane):
    """The maker's thread writes to pinned memory and sends.

    What is left for the iteration is a copy within the memory of the GPU, to the place that a graph reads.
    """

    def __init__(self, gpu: Gpu, descriptor: Descriptor) -> None:
        self._gpu = gpu
        self._way = gpu.way(max(descriptor.nbytes, 1))
        super().__init__(descriptor)

    def _allocate(self, nbytes: int) -> np.ndarray:
        return self._way.host[:nbytes]

    def wait(self) -> None:
        self._way.wait()

    def send(self) -> None:
        self._way.send()

    def receive(self, tensor: Tensor) -> None:
        self._way.receive(self._gpu.pointer(tensor, reads=False, writes=True), tensor.descriptor.nbytes)
