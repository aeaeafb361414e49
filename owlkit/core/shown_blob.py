"""What every view of a blob has in common: the lengths of its axes, under pycaffe's names."""

from __future__ import annotations

from owlkit.core.blob import Blob


class ShownBlob:
    """A blob's axes; how its arrays are handed out is up to the class that shows them."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    shape = property(lambda self: self._blob.shape, doc="Lengths of the axes, a tuple.")
    count = property(lambda self: self._blob.count, doc="Number of elements.")
    num = property(lambda self: self._blob.num, doc="Length of axis 0, 1 where there is none.")
    channels = property(lambda self: self._blob.channels, doc="Length of axis 1, 1 where there is none.")
    height = property(lambda self: self._blob.height, doc="Length of axis 2, 1 where there is none.")
    width = property(lambda self: self._blob.width, doc="Length of axis 3, 1 where there is none.")
