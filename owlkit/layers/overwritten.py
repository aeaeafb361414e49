"""Help for layers whose backward reads a bottom that forward may overwrite in place (not a layer itself)."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import copy


class KeptInput:
    """Bottom 0 as forward found it: the blob's own tensor, or a copy where the top lies in the same memory.

    needed : whether backward will run; without it, forward may read and write the same memory.
    """

    def __init__(self, device: Device, bottom: Sequence[Blob], top: Sequence[Blob], needed: bool) -> None:
        self._copy = None
        if needed and bottom[0].shares_data(top[0]):
            descriptor = bottom[0].descriptor
            self._tensor = Tensor(descriptor)
            self._copy = copy.make(device, copy.Copy(descriptor, descriptor))

    def keep(self, bottom: Sequence[Blob]) -> Tensor:
        """Call in forward; returns what to read."""
        if self._copy is not None:
            self._copy.forward(bottom[0].data_tensor, self._tensor)
        return self.kept(bottom)

    def kept(self, bottom: Sequence[Blob]) -> Tensor:
        return bottom[0].data_tensor if self._copy is None else self._tensor
