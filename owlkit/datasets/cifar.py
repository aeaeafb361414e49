"""CIFAR-10 from its binary archive: records of one label byte and 3 x 32 x 32 bytes, red, green, blue."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.datasets.convert import write_images
from owlkit.io.mean import MeanAccumulator, write_mean

ARCHIVE = "cifar-10-binary.tar.gz"
_FOLDER = "cifar-10-batches-bin"
_MEMBERS = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
_RECORD = 1 + 3 * 32 * 32  # bytes
_LARGEST = 10_000 * _RECORD


def make_cifar10(folder: Path, files: Mapping[str, Path], shuffle: int | None) -> dict[str, Any]:
    """Write cifar10_train_lmdb, cifar10_test_lmdb and cifar10_mean.binaryproto, as Caffe's example does."""
    made = {}
    for subset, members in _MEMBERS.items():
        images, labels = read_members(files[ARCHIVE], members)
        # Five digits: the keys of Caffe's convert_cifar_data.
        path = folder / f"cifar10_{subset}_lmdb"
        made[subset] = write_images(path, images, labels, shuffle=shuffle, digits=5)
        if subset == "train":
            mean = MeanAccumulator()
            for image in images:
                mean.add(image)
            write_mean(folder / "cifar10_mean.binaryproto", mean.mean())
    return made


def read_members(archive: Path, members: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int64 of some files of the archive."""
    content = b""
    try:
        with tarfile.open(archive) as tar:
            for member in members:
                found = tar.getmember(f"{_FOLDER}/{member}")
                stream = tar.extractfile(found)
                if stream is None or found.issparse() or found.size > _LARGEST:
                    raise FileFormatError(f"{archive}: {member} is not a file of at most {_LARGEST} bytes")
                content += stream.read()
    except FileFormatError:
        raise
    except (tarfile.TarError, KeyError, EOFError, OSError, ValueError, zlib.error) as error:
        raise FileFormatError(f"{archive} is not CIFAR-10's binary archive: {error}") from error
    if len(content) % _RECORD:
        raise FileFormatError(f"{archive}: {len(content)} bytes are no whole number of records of {_RECORD}")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)
