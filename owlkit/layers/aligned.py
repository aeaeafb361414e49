"""Help for layers that compare two bottoms value by value (not a layer itself)."""

from __future__ import annotations

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import copy


class Aligned:
    """A blob's data in the memory order of another: its own tensor, or a copy where orders differ.

    blob, like : equally many values; they stand for each other in Caffe's order of their shapes.
    """

    def __init__(self, device: Device, blob: Blob, like: Blob) -> None:
        mine, wanted = blob.descriptor, like.descriptor
        self._tensor: Tensor | None = None
        if mine != wanted and not (mine.is_plain and wanted.is_plain):
            self._tensor = Tensor(wanted)
            self._copy = copy.make(device, copy.Copy(mine, wanted))
            self._back = copy.make(device, copy.Copy(wanted, mine))

    def read(self, blob: Blob) -> Tensor:
        """Call in forward; backward may call `kept`."""
        if self._tensor is not None:
            self._copy.forward(blob.data_tensor, self._tensor)
        return self.kept(blob)

    def kept(self, blob: Blob) -> Tensor:
        return blob.data_tensor if self._tensor is None else self._tensor

    def gradient(self, blob: Blob) -> Tensor:
        """Where a gradient in the other's order goes; `give_gradient` then brings it to `blob`."""
        return blob.diff_tensor if self._tensor is None else self._tensor

    def give_gradient(self, blob: Blob) -> None:
        """Bring what was written to `gradient` to the blob's own; `kept` is gone then."""
        if self._tensor is not None:
            self._back.forward(self._tensor, blob.diff_tensor)
