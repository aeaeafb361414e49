"""Blobs as a Python layer sees them: pycaffe's attributes, arrays in C order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.shown_blob import ShownBlob


class PythonBlob(ShownBlob):
    """A blob as pycaffe shows it: arrays in C order, whatever the layout in memory.

    Where the layout differs (four axes lie channels-last), `data` and `diff` are copies that are written back
    when the user's method returns, so that views of them, `x.data.reshape(n, -1)[...] = y`, work as in Caffe.
    device : whose own arrays are handed out; None: arrays of the host, NumPy's.
    """

    def __init__(self, blob: Blob, device: Device | None = None) -> None:
        super().__init__(blob)
        self._copies: dict[str, Any] = {}
        #: "data", "diff": of which a copy is handed out that `finish` has to write back.
        self.copied: set[str] = set()
        self.use(device)

    def reshape(self, *shape: int) -> None:
        """Change the shape; the values are arbitrary afterwards."""
        self._blob.reshape(*shape)

    def use(self, device: Device | None) -> None:
        """Hand out the arrays of that device from now on."""
        self._device = device
        self._copies.clear()

    def _memory(self, role: str) -> Any:
        """The array in Caffe's order over the blob's memory, on the device or the host."""
        return getattr(self._blob, role) if self._device is None else self._device.array(self._blob, role)

    def _array(self, role: str) -> Any:
        array = self._memory(role)
        if array.flags.c_contiguous:
            self.copied.discard(role)
            return array
        copy = self._copies.get(role)
        if copy is None or copy.shape != array.shape:
            self._copies[role] = copy = array.copy(order="C")
        elif role not in self.copied:
            copy[...] = array
        self.copied.add(role)
        return copy

    def finish(self, write: bool) -> None:
        """End of a method: write back what was handed out as a copy, unless it failed."""
        for role in self.copied:
            array = self._memory(role)
            if write and self._copies[role].shape == array.shape:
                array[...] = self._copies[role]
        self.copied.clear()

    def __repr__(self) -> str:
        return f"<{self._blob!r} of a Python layer>"


class LearnedBlobs(Sequence[Any]):
    """`self.blobs` of a Python layer: the learned blobs, and `add_blob`.

    blobs : those of the layer, which grow by `add`. show : how the user sees them.
    """

    def __init__(
        self,
        blobs: Sequence[Blob],
        add: Callable[..., Blob],
        show: Callable[[Sequence[Blob]], Sequence[PythonBlob]],
    ) -> None:
        self._blobs, self._add, self._show = blobs, add, show

    def __getitem__(self, index: Any) -> Any:
        return self._show(self._blobs)[index]

    def __len__(self) -> int:
        return len(self._blobs)

    def add_blob(self, *shape: int) -> PythonBlob:
        """Declare a learned blob, zeros at first; fill its `data` in setup. Raises NetError after setup."""
        self._add(*shape)
        added: PythonBlob = self[-1]
        return added
