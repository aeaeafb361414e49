"""CIFAR-10 from its binary archive or the files in it.

A record is one label byte and 3 x 32 x 32 bytes, red, green, blue.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, FileFormatError
from owlkit.datasets.convert import put_images, write_images
from owlkit.io.files import read_bytes
from owlkit.io.mean import MeanAccumulator, write_mean
from owlkit.io.writer import RecordWriter, written_together

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
    return _records(content, archive)


def write_batches(folder: Path, output: Path, *, overwrite: bool = False) -> dict[str, int]:
    """Write cifar10_train_lmdb and cifar10_test_lmdb into `output` from the unpacked files in `folder`.

    Both appear or none. Returns path -> records. Raises DataError where a file is missing or a set cannot be
    written, FileFormatError where a file is not CIFAR-10's.
    """
    found = {subset: _read_folder(folder, members) for subset, members in _MEMBERS.items()}
    paths = {subset: output / f"cifar10_{subset}_lmdb" for subset in found}
    writers = {subset: RecordWriter(path, overwrite=overwrite) for subset, path in paths.items()}
    with written_together(list(writers.values())):
        for subset, (images, labels) in found.items():
            put_images(writers[subset], zip(images, labels, strict=True), digits=5)
    return {str(paths[subset]): len(labels) for subset, (_, labels) in found.items()}


def _read_folder(folder: Path, members: list[str]) -> tuple[np.ndarray, np.ndarray]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; name the one that holds {members[0]}")
    parts = [_records(read_bytes(folder / name, "file of CIFAR-10"), folder / name) for name in members]
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _records(content: bytes, source: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int64."""
    if len(content) % _RECORD:
        raise FileFormatError(f"{source}: {len(content)} bytes are no whole number of records of {_RECORD}")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)
