"""What every view of a blob has in common: the lengths of its axes, under pycaffe's names."""

from __future__ import annotations

from typing import Any

from owlkit.core.blob import Blob, write


class ShownBlob:
    """A blob's axes, and that its arrays can be assigned to; how they are handed out is up to the class that
    shows them.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def _array(self, role: str) -> Any:
        """The array of `data` or `diff`."""
        raise TypeError(f"{type(self).__name__} does not define _array(self, role)")

    def _write(self, role: str, values: Any) -> None:
        write(self._blob, self._array(role), values)

    data = property(
        lambda self: self._array("data"),
        lambda self, values: self._write("data", values),
        doc="The values, in C order, writable; `data = x` writes as `data[...] = x` does.",
    )
    diff = property(
        lambda self: self._array("diff"),
        lambda self, values: self._write("diff", values),
        doc="The gradient, in C order, writable.",
    )
    shape = property(lambda self: self._blob.shape, doc="Lengths of the axes, a tuple.")
    count = property(lambda self: self._blob.count, doc="Number of elements.")
    num = property(lambda self: self._blob.num, doc="Length of axis 0, 1 where there is none.")
    channels = property(lambda self: self._blob.channels, doc="Length of axis 1, 1 where there is none.")
    height = property(lambda self: self._blob.height, doc="Length of axis 2, 1 where there is none.")
    width = property(lambda self: self._blob.width, doc="Length of axis 3, 1 where there is none.")
