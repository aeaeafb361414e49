"""Reading LMDB sets: one environment per path and process, opened read-only, shared by all nets."""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from owlkit.core.errors import DataError
from owlkit.io.claim import partial_of, writer_of
from owlkit.io.datum import parse_datum, show_key
from owlkit.io.files import counted_from
from owlkit.io.kept import Kept
from owlkit.io.leveldb import is_leveldb, made_again
from owlkit.io.lmdb_head import damage

_open: weakref.WeakValueDictionary[tuple[Any, ...], _Environment] = weakref.WeakValueDictionary()
_lock = threading.Lock()


class _Environment:
    """An open LMDB environment; closed when the last user lets go of it."""

    def __init__(self, path: Path) -> None:
        try:
            # No lock file: sets lie on read-only disks too, and nobody writes to a finished set.
            self.env = lmdb.open(
                str(path), readonly=True, lock=False, readahead=False, subdir=path.is_dir(), max_dbs=0
            )
        except lmdb.Error as error:
            raise DataError(f"{path} cannot be read as an LMDB set: {error}") from error
        self._finalizer = weakref.finalize(self, self.env.close)
        # By transaction and count: another process may write to a set that is open here.
        self.kept: weakref.WeakValueDictionary[tuple[int, int], Kept] = weakref.WeakValueDictionary()


def _problem(path: Path) -> str | None:
    """Why `path` is no LMDB set, with the next action, or None."""
    if not path.exists():
        if (partial := partial_of(path)).exists():
            return _half_written(path, partial)
        return f"there is no LMDB set {path}{_siblings(path)}"
    if path.is_file():
        if path.name == "data.mdb":
            return damage(path)
        return f"{path} is a file; an LMDB set is a folder with data.mdb"
    if (path / "data.mdb").is_file():
        return damage(path / "data.mdb")
    if is_leveldb(path):
        return f"{path} is a LevelDB set, which owlkit does not read: {made_again(path)}"
    found = sorted(p.name for p in path.iterdir())[:5]
    return f"{path} is no LMDB set: it has no data.mdb" + (
        f", but {', '.join(found)}" if found else " and is empty"
    )


def _half_written(path: Path, partial: Path) -> str:
    if writer := writer_of(partial):
        return (
            f"{path} is only half written, by {writer} (see {partial}): wait while that runs, "
            "else run the conversion again"
        )
    return f"{path} was only half written (see {partial}): run the conversion again"


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f": the folder {path.parent} does not exist{counted_from(path)}"
    names = sorted(p.name for p in path.parent.iterdir() if (p / "data.mdb").exists())[:5]
    if names:
        return f"; beside it are {', '.join(names)}"
    return f"{counted_from(path)}; `owlkit convert-imageset` and `owlkit data` write such sets"


def _shared_environment(path: Path) -> _Environment:
    problem = _problem(path)
    if problem:
        raise DataError(problem)
    data = path / "data.mdb" if path.is_dir() else path
    stat = data.stat()
    # A set written anew is another file; after a fork an environment must not be used.
    identity = (os.path.realpath(data), stat.st_dev, stat.st_ino, os.getpid())
    with _lock:
        environment = _open.get(identity)
        if environment is None:
            environment = _open[identity] = _Environment(path)
        return environment


class Records:
    """An LMDB set of records (key, value), in the order of their keys.

    Raises DataError with the next action for a path that is missing, a file, a LevelDB set, half written,
    damaged or empty.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._environment = _shared_environment(self.path)
        try:
            self._count = int(self._environment.env.stat()["entries"])
        except lmdb.Error as error:
            raise DataError(f"{path} is damaged: {error}") from error
        if self._count == 0:
            raise DataError(
                f"{path} holds no records: its conversion failed or was interrupted; run it again"
            )

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        with self._environment.env.begin() as transaction:
            try:
                yield from transaction.cursor()
            except lmdb.Error as error:
                raise DataError(f"{self.path} is damaged: {error}; copy or convert it again") from error

    def __repr__(self) -> str:
        return f"Records({str(self.path)!r}, {self._count:,} records)"

    def first(self) -> tuple[bytes, bytes]:
        """The first record."""
        return next(iter(self))

    def keys(self) -> list[bytes]:
        """All keys, in their order; walks over the set without its values, about a million a second."""
        with self._environment.env.begin() as transaction:
            return list(transaction.cursor().iternext(keys=True, values=False))

    def value(self, key: bytes) -> bytes:
        """The record of a key. Raises DataError where there is none, or it cannot be read."""
        try:
            with self._environment.env.begin() as transaction:
                found = transaction.get(key)
        except lmdb.Error as error:
            raise DataError(f"{self.path}: record {show_key(key)} cannot be read: {error}") from error
        if found is None:
            raise DataError(f"{self.path} has no record {show_key(key)}; was the set written anew?")
        return bytes(found)

    def cursor(self) -> RecordCursor:
        """A place in the set, for one thread at a time."""
        return RecordCursor(self._environment, self._count, self.path)


class RecordCursor:
    """Reads on and on through a set; after the last record comes the first.

    index : number of the record that `next` will give, in [0, number of records).
    """

    def __init__(self, environment: _Environment, count: int, path: Path) -> None:
        self._environment, self._count, self._path = environment, count, path
        self._transaction = environment.env.begin()
        self._cursor = self._transaction.cursor()
        self.index = 0
        self._cursor.first()

    def seek(self, index: int) -> None:
        """Go to record `index`, counted round the set; walks over the keys, about a million a second."""
        index %= self._count
        if index < self.index:
            self._cursor.first()
            self.index = 0
        while self.index < index:
            self._cursor.next()
            self.index += 1

    def next(self) -> tuple[bytes, bytes]:
        """The record here; then moves on."""
        return self.take(1)[0]

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        """The next `count` records, round the set; then moves on. DataError where one cannot be read."""
        taken: list[tuple[bytes, bytes]] = []
        while len(taken) < count:
            before, start = len(taken), self.index
            try:
                taken.extend(islice(self._cursor.iternext(), min(count - before, self._count - start)))
                self.index += len(taken) - before
                if self.index == self._count or not self._cursor.next():
                    self._cursor.first()
                    self.index = 0
            except lmdb.Error as error:
                number = start + len(taken) - before
                raise DataError(f"{self._path}: record {number} cannot be read: {error}") from error
            if len(taken) == before:
                raise DataError(f"{self._path} is damaged: no record can be read; convert it again")
        return taken

    def kept(self, shape: tuple[int, ...]) -> Kept | None:
        """Where all keep images who see in this process what this cursor sees; None where it is too much.

        shape : (C, H, W) of an image of the set. It is there as long as somebody holds it.
        """
        if not Kept.fits(self._count, shape):
            return None
        state = self._transaction.id(), self._count
        with _lock:
            kept = self._environment.kept.get(state)
            if kept is None:
                kept = self._environment.kept[state] = Kept(self._count, shape)
            return kept

    def close(self) -> None:
        self._transaction.abort()


def label_histogram(records: Records, on_record: Callable[[int], None] = lambda total: None) -> Counter[int]:
    """How many records have each label; reads the whole set.

    on_record : called with the number of all records after each that was read.
    """
    found: Counter[int] = Counter()
    for key, value in records:
        found[parse_datum(value, key).label] += 1
        on_record(len(records))
    return found
