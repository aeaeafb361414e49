"""Tensors in C order, by a copy where they lie in another."""

from __future__ import annotations

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import copy


class Plain:
    """A side in C order: the tensor itself, or a copy where it lies in another order."""

    def __init__(self, device: GpuDevice, side: Descriptor) -> None:
        self._copy: Tensor | None = None
        if not side.is_plain:
            plain = Descriptor(side.shape, side.dtype)
            self._copy = Tensor(plain)
            self._to = copy.make(device, copy.Copy(side, plain))
            self._back = copy.make(device, copy.Copy(plain, side))

    def read(self, tensor: Tensor, fresh: bool = True) -> Tensor:
        """The content in C order. fresh : whether it may have changed since it was last read."""
        if self._copy is None:
            return tensor
        if fresh:
            self._to.forward(tensor, self._copy)
        return self._copy

    def target(self, tensor: Tensor) -> Tensor:
        """Where to write in C order what `finish` brings into `tensor`."""
        return tensor if self._copy is None else self._copy

    def finish(self, tensor: Tensor) -> None:
        if self._copy is not None:
            self._back.forward(self._copy, tensor)
