"""MNIST and Fashion-MNIST: images and labels in gzipped IDX files."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.datasets.convert import write_images

_MOST_AXES = 4
_EXPANSION = 1032  # what Deflate saves at best
_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """The array of a gzipped IDX file of unsigned bytes.

    The head is two zero bytes, the type (8: uint8), the number of axes, then each length as big-endian int32
    (yann.lecun.com/exdb/mnist). Raises FileFormatError where that does not fit the content.
    """
    try:
        with gzip.open(path) as stream:
            start = stream.read(4)
            if len(start) < 4 or start[:3] != b"\0\0\x08":
                raise FileFormatError(f"{path} is no IDX file of bytes: it starts with {start!r}")
            shape = np.frombuffer(stream.read(4 * start[3]).ljust(4 * start[3], b"\xff"), ">i4").tolist()
            if not 1 <= len(shape) <= _MOST_AXES or min(shape) < 0:
                raise FileFormatError(f"{path} is no IDX file: its shape is {shape}")
            count = math.prod(shape)
            if count > _EXPANSION * path.stat().st_size:
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


def idx_maker(name: str) -> Callable[[Path, Mapping[str, Path], int | None], dict[str, Any]]:
    """A function that writes `<name>_train_lmdb` and `<name>_test_lmdb` from the four files."""

    def make(folder: Path, files: Mapping[str, Path], shuffle: int | None) -> dict[str, Any]:
        made = {}
        for subset, prefix in _PARTS.items():
            images = read_idx(files[f"{prefix}-images-idx3-ubyte.gz"])[:, None]
            labels = read_idx(files[f"{prefix}-labels-idx1-ubyte.gz"]).astype(np.int64)
            if len(images) != len(labels):
                raise FileFormatError(f"{name} {subset}: {len(images)} images, but {len(labels)} labels")
            made[subset] = write_images(folder / f"{name}_{subset}_lmdb", images, labels, shuffle=shuffle)
        return made

    return make
