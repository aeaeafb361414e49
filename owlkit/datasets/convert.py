"""Writing arrays of images as LMDB sets of Datum, as Caffe's example converters do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter


def write_images(
    path: Path, images: np.ndarray, labels: np.ndarray, *, shuffle: int | None = None, digits: int = 8
) -> dict[str, Any]:
    """Write an LMDB set with the keys 00000000, 00000001, ...

    images : (N, C, H, W) uint8. labels : (N,) integers. shuffle : seed of a random order; None keeps it.
    digits : length of the keys. Returns what a manifest records: count, shape, records per label, sha256.
    """
    order = np.arange(len(images))
    if shuffle is not None:
        order = np.random.RandomState(shuffle).permutation(len(images))  # its stream never changes
    with RecordWriter(path) as writer:
        put_images(writer, ((images[i], labels[i]) for i in order), digits=digits)
    return {
        "count": len(images),
        "shape": list(images.shape[1:]),
        "labels": np.bincount(labels).tolist(),
        "sha256": writer.digest,
    }


def put_images(writer: RecordWriter, labelled: Iterable[tuple[np.ndarray, Any]], *, digits: int = 8) -> None:
    """Put images (C, H, W) uint8 with their labels into a set; keys are their numbers in `digits` digits."""
    for number, (image, label) in enumerate(labelled):
        writer.put(f"{number:0{digits}d}", array_to_datum(image, int(label)).SerializeToString())
