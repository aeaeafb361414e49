"""Writing arrays of images as LMDB sets of Datum, as Caffe's example converters do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter

_CHANNELS = 4  # more than so many in axes 1 and 2, and 3 in the last: no channels come first
_COUNTED = 1_000_000  # the highest label up to which classes are counted


def write_images(
    path: str | Path,
    images: np.ndarray,
    labels: np.ndarray | Sequence[int],
    *,
    shuffle: int | None = None,
    digits: int = 8,
) -> dict[str, Any]:
    """Write an LMDB set with the keys 00000000, 00000001, ...

    images : (N, C, H, W) uint8. labels : (N,) integers within int32; negative ones (a loss's ignore_label)
    are no class. shuffle : seed of a random order; None keeps it. digits : length of the keys.
    Returns what a manifest records: count, shape, labels (records of class 0, 1, ..., left out where a label
    is above a million), sha256.
    Raises DataError, before anything is written, where images or labels are not so; and as RecordWriter.
    """
    classes = _checked(images, labels)
    order = np.arange(len(images))
    if shuffle is not None:
        order = np.random.RandomState(shuffle).permutation(len(images))  # its stream never changes
    with RecordWriter(path) as writer:
        put_images(writer, ((images[i], classes[i]) for i in order), digits=digits)
    details = {"count": len(images), "shape": list(images.shape[1:]), "sha256": writer.digest}
    if classes.max(initial=0) <= _COUNTED:
        details["labels"] = np.bincount(classes[classes >= 0]).tolist()
    return details


def _checked(images: np.ndarray, labels: np.ndarray | Sequence[int]) -> np.ndarray:
    """The labels as (N,) int64. Raises DataError where they or the images are not as described above."""
    if images.ndim != 4:
        raise DataError(f"images have axes (N, C, H, W), found shape {images.shape}; gray ones have C = 1")
    _, rows, columns, last = images.shape
    if images.dtype == np.uint8 and last == 3 and min(rows, columns) > _CHANNELS:
        raise DataError(
            f"images of shape {images.shape} have {rows} channels, 3 pixels wide: photographs (N, H, W, 3) "
            "are taken by owlkit.datasets.from_arrays; or give images.transpose(0, 3, 1, 2)"
        )
    return checked_labels(labels, len(images))


def checked_labels(labels: Any, count: int) -> np.ndarray:
    """Labels of so many images as (count,) int64. Raises DataError where they are no such numbers."""
    try:
        found = np.asarray(labels)
    except ValueError as error:
        raise DataError(f"labels are no array ({count},): {error}; give one label per image") from None
    if found.shape != (count,):
        raise DataError(
            f"{count} images need labels of shape ({count},), found {found.shape}; give one label per image"
        )
    if len(found) and found.dtype.kind in "US":
        raise DataError(
            f"labels are integers, found text such as {str(found[0])!r}: "
            "classes, labels = numpy.unique(labels, return_inverse=True) gives each name a number"
        )
    if len(found) and found.dtype.kind not in "iub":
        raise DataError(f"labels are integers, found {found.dtype}; for instance labels.astype(int)")
    wrong = found[(found < -(2**31)) | (found >= 2**31)]
    if len(wrong):
        raise DataError(f"label {wrong[0]} is beyond int32, which Caffe's records hold; renumber the classes")
    return found.astype(np.int64)


def put_images(writer: RecordWriter, labelled: Iterable[tuple[np.ndarray, Any]], *, digits: int = 8) -> None:
    """Put images (C, H, W) uint8 with their labels into a set; keys are their numbers in `digits` digits."""
    for number, (image, label) in enumerate(labelled):
        writer.put(f"{number:0{digits}d}", array_to_datum(image, int(label)).SerializeToString())
