"""HDF5 files as Caffe uses them for data: rows of named datasets, in files that a text file lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, OwlkitError, closest
from owlkit.io.files import is_there

# A dataset may claim more than is stored: HDF5 compresses, and leaves out what was never written. Deflate
# shrinks to a thousandth at best; beyond that a file of a few kilobytes could ask for all memory.
_FREE_BYTES, _EXPANSION = 16 << 20, 1032


def import_h5py() -> Any:
    """The module h5py. Raises DataError with what to do where it is missing."""
    try:
        import h5py
    except ImportError as error:
        raise DataError("HDF5 files need h5py, which is not installed: pip install 'owlkit[hdf5]'") from error
    return h5py


@contextmanager
def open_hdf5(path: str | Path, mode: str = "r") -> Any:
    """An open h5py.File. Raises DataError naming the file where it cannot be opened."""
    h5py = import_h5py()
    if mode == "r" and not Path(path).exists():
        raise DataError(f"there is no HDF5 file {path}")
    try:
        file = h5py.File(path, mode)
    except OSError as error:
        what = "is not a readable HDF5 file" if mode == "r" else "cannot be written"
        raise DataError(f"{path} {what}: {error}") from error
    try:
        with file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, OwlkitError):
            raise
        what = (
            "is damaged" if mode == "r" else "cannot be written"
        )  # h5py's kinds of error for what HDF5 reports
        raise DataError(f"{path} {what}: {error}") from error


def listed_files(source: str | Path) -> list[Path]:
    """The files that a text file lists, one in a line.

    A relative name counts from the working directory, as in Caffe, or else from the folder of the list.
    Raises DataError where the list is missing or empty.
    """
    try:
        lines = Path(source).read_text().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        if isinstance(error, UnicodeDecodeError) and error.object.startswith(b"\x89HDF"):
            reason = "it is such a file itself; write its path into a text file, and name that"
        raise DataError(f"the list of HDF5 files {source} cannot be read: {reason}") from error
    names = [Path(line.strip()) for line in lines if line.strip()]
    if not names:
        raise DataError(f"{source} lists no HDF5 files; write one path in each line")
    beside = Path(source).parent
    return [name if is_there(name) or not is_there(beside / name) else beside / name for name in names]


class Hdf5Rows:
    """Rows of datasets over several files, round and round, in order or shuffled.

    files : read one after the other, each whole into memory. names : datasets, of equal length in a file.
    shuffle : files are taken in a random order in each pass, and the rows of a file too; the order depends on
    `seed` and the number of the pass alone, so a position is all that is needed to go on.

    shapes : per dataset, the shape of a row. count : rows in all files.
    Raises DataError naming file and dataset for what does not fit.
    """

    def __init__(
        self, files: Sequence[Path], names: Sequence[str], *, shuffle: bool = False, seed: int = 0
    ) -> None:
        self.files, self.names = list(files), list(names)
        self.shuffle, self.seed = shuffle, seed
        shapes = [self._shapes(file) for file in self.files]
        self.shapes = [shape[1:] for shape in shapes[0]]
        self.lengths = [found[0][0] for found in shapes]
        for file, found in zip(self.files, shapes, strict=True):
            for name, expected, shape in zip(self.names, self.shapes, found, strict=True):
                if shape[1:] != expected:
                    raise DataError(
                        f"{file}: rows of dataset {name!r} have shape {shape[1:]}, those of {self.files[0]} "
                        f"have {expected}; all files must agree"
                    )
        self.count = sum(self.lengths)
        if not self.count:
            raise DataError(f"{self.files[0]}: there are no rows in dataset {self.names[0]!r}")
        self._loaded: tuple[int, list[np.ndarray]] = (-1, [])
        self._order: tuple[int, int, int, np.ndarray] | None = None

    def read(self, position: int, out: Sequence[np.ndarray]) -> list[bytes]:
        """Write the rows from number `position` on into arrays of equal length, one for each dataset.

        Rows are numbered from the first pass on without end. Returns a key for each: file and row.
        """
        keys: list[bytes] = []
        wanted = len(out[0])
        while len(keys) < wanted:
            number, offset = divmod(position + len(keys), self.count)
            file, first = self._locate(number, offset)
            rows = self._rows(number, file)[first : first + wanted - len(keys)]
            here = slice(len(keys), len(keys) + len(rows))
            for target, dataset in zip(out, self._load(file), strict=True):
                target[here] = dataset[rows]
            keys += [f"{self.files[file]}[{row}]".encode() for row in rows.tolist()]
        return keys

    def _locate(self, number: int, offset: int) -> tuple[int, int]:
        """The file that row `offset` of pass `number` is in, and how many rows of it come before."""
        order = (
            self._generator(number).permutation(len(self.files)) if self.shuffle else range(len(self.files))
        )
        for file in order:
            if offset < self.lengths[file]:
                return int(file), offset
            offset -= self.lengths[file]
        raise IndexError(offset)

    def _rows(self, number: int, file: int) -> np.ndarray:
        """The order of a file's rows in pass `number`."""
        if not self.shuffle:
            return np.arange(self.lengths[file])
        if self._order is None or self._order[:3] != (number, file, self.seed):
            rows = self._generator(number, file + 1).permutation(self.lengths[file])
            self._order = (number, file, self.seed, rows)
        return self._order[3]

    def _generator(self, number: int, part: int = 0) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self.seed, counter=(number << 192) + (part << 128)))

    def _load(self, file: int) -> list[np.ndarray]:
        if self._loaded[0] != file:
            self._loaded = (-1, [])  # give the memory back before the next file is read
            with open_hdf5(self.files[file]) as stored:
                self._loaded = (file, [stored[name][...] for name in self.names])
        return self._loaded[1]

    def _shapes(self, file: Path) -> list[tuple[int, ...]]:
        with open_hdf5(file) as stored:
            shapes = [self._shape(stored, name, file) for name in self.names]
        for name, shape in zip(self.names, shapes, strict=True):
            if shape[0] != shapes[0][0]:
                raise DataError(
                    f"{file}: dataset {name!r} has {shape[0]} rows, {self.names[0]!r} has {shapes[0][0]}; "
                    "they must be equal"
                )
        return shapes

    @staticmethod
    def _shape(stored: Any, name: str, file: Path) -> tuple[int, ...]:
        if not isinstance(stored.get(name), import_h5py().Dataset):
            found = ", ".join(map(repr, stored)) or "none"
            raise DataError(f"{file} has no dataset {name!r}{closest(name, stored)}; it has {found}")
        dataset = stored[name]
        if dataset.dtype.kind not in "fiu":
            raise DataError(f"{file}: dataset {name!r} holds {dataset.dtype}; numbers are needed")
        if not dataset.shape:
            raise DataError(f"{file}: dataset {name!r} is a single value; its first axis must count the rows")
        stored_bytes, bytes_needed = (
            dataset.id.get_storage_size(),
            math.prod(dataset.shape) * dataset.dtype.itemsize,
        )
        if bytes_needed > _FREE_BYTES + _EXPANSION * stored_bytes and not dataset.is_virtual:
            raise DataError(
                f"{file}: dataset {name!r} claims {bytes_needed:,} bytes, of which the file stores "
                f"{stored_bytes:,}; it is damaged or was never filled"
            )
        return tuple(dataset.shape)
