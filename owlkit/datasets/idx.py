"""MNIST and Fashion-MNIST: images and labels in gzipped IDX files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.datasets.convert import write_images

_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """The array of a gzipped IDX file of unsigned bytes.

    The head is two zero bytes, the type (8: uint8), the number of axes, then each length as big-endian int32
    (yann.lecun.com/exdb/mnist). Raises FileFormatError where that does not fit the content.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile) as error:
        raise FileFormatError(f"{path} is no whole gzip file: {error}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise FileFormatError(f"{path} is no IDX file of bytes: it starts with {content[:4]!r}")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, offset=4).tolist()
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if values.size != np.prod(shape):
        raise FileFormatError(f"{path}: shape {shape} needs {np.prod(shape)} values, found {values.size}")
    return values.reshape(shape)


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
