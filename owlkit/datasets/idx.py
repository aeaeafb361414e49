"""MNIST and Fashion-MNIST: images and labels in IDX files, gzipped as they are published, or unpacked."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.datasets.convert import write_images
from owlkit.io.files import read_bytes

_GZIP = b"\x1f\x8b"  # how each such file begins
_MOST_AXES = 4
_EXPANSION = 1032  # what Deflate saves at best
_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file of unsigned bytes, gzipped or not.

    The head is two zero bytes, the type (8: uint8), the number of axes, then each length as big-endian int32
    (yann.lecun.com/exdb/mnist). Raises DataError where there is no such file, FileFormatError where the head
    does not fit the content.
    """
    packed = read_bytes(path, "IDX file")
    try:
        with gzip.open(BytesIO(packed)) if packed.startswith(_GZIP) else BytesIO(packed) as stream:
            start = stream.read(4)
            if len(start) < 4 or start[:3] != b"\0\0\x08":
                raise FileFormatError(f"{path} is no IDX file of bytes: it starts with {start!r}")
            shape = np.frombuffer(stream.read(4 * start[3]).ljust(4 * start[3], b"\xff"), ">i4").tolist()
            if not 1 <= len(shape) <= _MOST_AXES or min(shape) < 0:
                raise FileFormatError(f"{path} is no IDX file: its shape is {shape}")
            count = math.prod(shape)
            if count > _EXPANSION * len(packed):
                raise FileFormatError(
                    f"{path}: shape {shape} needs {count} values; the file is far too short"
                )
            content = stream.read(count + 1)  # one more tells a file that is too long, however long it is
    except (EOFError, OSError, zlib.error) as error:
        raise FileFormatError(f"{path} is no whole gzip file: {error}") from error
    if len(content) != count:
        found = len(content) if len(content) < count else "more"
        raise FileFormatError(f"{path}: shape {shape} needs {count} values, found {found}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_labelled(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 1, H, W) uint8 and labels (N,) int64 of two IDX files. Raises as `read_idx`, and where the
    two do not fit each other."""
    pixels, classes = read_idx(images), read_idx(labels)
    for path, array, axes, what in ((images, pixels, 3, "images"), (labels, classes, 1, "labels")):
        if array.ndim != axes:
            raise FileFormatError(
                f"{path} has shape {array.shape}, not {axes} axes as {what} have; is it the other file?"
            )
    if len(pixels) != len(classes):
        raise FileFormatError(f"{images} has {len(pixels)} images, but {labels} {len(classes)} labels")
    return pixels[:, None], classes.astype(np.int64)


def make_pairs(images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As many random pairs as there are images, for a siamese net as in Caffe's example.

    images : (N, 1, H, W) uint8. Returns (N, 2, H, W) uint8, and (N,) int64: 1 for two of one class, else 0.
    """
    first, second = np.random.RandomState(seed).randint(len(images), size=(2, len(images)))
    return np.concatenate((images[first], images[second]), 1), (labels[first] == labels[second]).astype(
        np.int64
    )


def idx_maker(name: str) -> Callable[[Path, Mapping[str, Path], int | None], dict[str, Any]]:
    """A function that writes `<name>_train_lmdb` and `<name>_test_lmdb` from the four files."""

    def make(folder: Path, files: Mapping[str, Path], shuffle: int | None) -> dict[str, Any]:
        made = {}
        for subset, prefix in _PARTS.items():
            images, labels = read_labelled(
                files[f"{prefix}-images-idx3-ubyte.gz"], files[f"{prefix}-labels-idx1-ubyte.gz"]
            )
            made[subset] = write_images(folder / f"{name}_{subset}_lmdb", images, labels, shuffle=shuffle)
        return made

    return make
