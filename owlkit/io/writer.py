"""Writing LMDB sets: the map grows by itself, and a set appears under its name only when it is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from owlkit.core.errors import DataError
from owlkit.io.files import full_disk_error, is_full, sync_folder

_FIRST_MAP = 1 << 26  # bytes; doubled whenever it is full
_OF_A_SET = {"data.mdb", "lock.mdb"}
_BATCH = 1000  # records per transaction, as Caffe's converters


class RecordWriter:
    """A new LMDB set, written into `<path>.partial` and renamed at the end of the `with` block.

    overwrite : replace a set that is there; without it DataError. A folder of anything else is left alone.
    digest : after the block, sha256 over all keys and values in the order they were put.

    Keys must be put in any order but only once. Raises DataError where the disk is full; whatever interrupts
    the block, nothing is left behind and a set that was there stays.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        if self.path.exists() and not overwrite:
            raise DataError(f"{path} exists already; remove it or ask for overwriting")
        if self.path.is_file():
            raise DataError(f"{path} is a file; an LMDB set is a folder: choose another name")
        if foreign := sorted(set(os.listdir(self.path)) - _OF_A_SET) if self.path.exists() else []:
            raise DataError(
                f"{path} is no LMDB set: it holds {foreign[0]!r}; it was left alone: choose another name"
            )
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.count = 0
        self.digest = ""
        self._pending: list[tuple[bytes, bytes]] = []
        self._hash = hashlib.sha256()
        self._env: Any = None

    def __enter__(self) -> RecordWriter:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.partial, ignore_errors=True)
            self._env = lmdb.open(str(self.partial), map_size=_FIRST_MAP, readahead=False, sync=False)
        except (lmdb.Error, OSError) as error:
            self._discard()
            raise self._explain(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._commit()
            self._finish()
        except (lmdb.Error, OSError) as failure:
            self._discard()
            raise self._explain(failure) from failure
        except BaseException:
            self._discard()
            raise

    def put(self, key: bytes | str, value: bytes) -> None:
        """Add a record. Raises DataError for a key that is there already, or a full disk."""
        key = key.encode() if isinstance(key, str) else key
        self._pending.append((key, value))
        self._hash.update(len(key).to_bytes(8, "little") + key + len(value).to_bytes(8, "little") + value)
        if len(self._pending) >= _BATCH:
            try:
                self._commit()
            except lmdb.Error as error:
                raise self._explain(error) from error

    def _commit(self) -> None:
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    for key, value in self._pending:
                        if not transaction.put(key, value, overwrite=False):
                            raise DataError(f"{self.path}: two records have the key {key!r}")
                break
            except lmdb.MapFullError:
                self._env.set_mapsize(self._env.info()["map_size"] * 2)
        self.count += len(self._pending)
        self._pending.clear()

    def _finish(self) -> None:
        self._env.sync(True)
        self._env.close()
        (self.partial / "lock.mdb").unlink(missing_ok=True)
        self._replace()
        sync_folder(self.path.parent)
        self.digest = self._hash.hexdigest()

    def _replace(self) -> None:
        """Rename the new set to its name. One that was there goes back to its place where that fails."""
        if not self.path.exists():
            os.rename(self.partial, self.path)
            return
        # A name that nobody else uses: `<name>.old` may be a copy that somebody keeps.
        old = self.path.with_name(f".owlkit-{secrets.token_hex(8)}.old")
        os.rename(self.path, old)
        try:
            os.rename(self.partial, self.path)
        except BaseException:
            os.rename(old, self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _discard(self) -> None:
        if self._env is not None:
            self._env.close()
        shutil.rmtree(self.partial, ignore_errors=True)

    def _explain(self, error: lmdb.Error | OSError) -> DataError:
        full = isinstance(error, lmdb.DiskError) or (isinstance(error, OSError) and is_full(error))
        # LMDB calls a write that a full disk or a size limit cut short an input/output error.
        if full or any(os.strerror(code) in str(error) for code in (errno.EFBIG, errno.EIO)):
            return full_disk_error(self.path, error)
        return DataError(f"cannot write the LMDB set {self.path}: {error}")
