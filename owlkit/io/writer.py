"""Writing LMDB sets: the map grows by itself, and a set appears under its name only when it is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from owlkit.core.errors import DataError
from owlkit.io.claim import Claim
from owlkit.io.files import full_disk_error, is_full, sync_folder

_FIRST_MAP = 1 << 26  # bytes; doubled whenever it is full
_OF_A_SET = {"data.mdb", "lock.mdb"}
_BATCH = 1000  # records per transaction, as Caffe's converters


class RecordWriter:
    """A new LMDB set, written into `<path>.partial` and renamed at the end of the `with` block.

    overwrite : replace a set that is there; without it DataError. A folder of anything else is left alone.
    digest : after the block, sha256 over all keys and values in the order they were put.

    Keys must be put in any order but only once. One writer has a set at a time; DataError names the process
    that has it. What a killed process left in `<path>.partial` is taken away by the next writer. Raises
    DataError where the disk is full; whatever interrupts the block, nothing is left behind and a set that was
    there stays.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.overwrite = overwrite
        self._check_target()
        self.count = 0
        self.digest = ""
        self._pending: list[tuple[bytes, bytes]] = []
        self._hash = hashlib.sha256()
        self._env: Any = None
        self._claim: Claim | None = None
        self._old: Path | None = None  # where the set is that was there
        self._placed = False

    def _check_target(self) -> None:
        path = self.path
        if path.is_file():
            raise DataError(f"{path} is a file; an LMDB set is a folder: choose another name")
        if path.exists() and not self.overwrite:
            raise DataError(
                f"{path} exists already; remove it, or have it replaced (--overwrite, overwrite=True)"
            )
        if foreign := sorted(set(os.listdir(path)) - _OF_A_SET) if path.exists() else []:
            raise DataError(
                f"{path} is no LMDB set: it holds {foreign[0]!r}; it was left alone: choose another name"
            )

    def __enter__(self) -> RecordWriter:
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._claim = Claim(self.path)
            self._check_target()  # another writer may have been faster
            partial = str(self._claim.folder)
            self._env = lmdb.open(partial, map_size=_FIRST_MAP, readahead=False, sync=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        self.complete()
        self.place()
        if self._old is not None:
            shutil.rmtree(self._old, ignore_errors=True)
        self._claimed.let_go()
        self._claim = None

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

    def complete(self) -> None:
        """Write what was put to the disk; `place` does the rest. Nothing is put after it."""
        if self._env is None:
            return
        with self._explained():
            self._commit()
            self._env.sync(True)
            self._env.close()
            self._env = None
            self._claimed.leave_data_only()
            self.digest = self._hash.hexdigest()

    def place(self) -> None:
        """Rename the new set to its name; one that was there is kept aside until the block ends."""
        if self._placed:
            return
        with self._explained():
            if self.path.exists():
                # A name that nobody else uses: `<name>.old` may be a copy that somebody keeps.
                old = self.path.with_name(f".owlkit-{secrets.token_hex(8)}.old")
                os.rename(self.path, old)
                self._old = old
            os.rename(self._claimed.folder, self.path)
            self._placed = True
            sync_folder(self.path.parent)

    @property
    def _claimed(self) -> Claim:
        assert self._claim is not None  # from `__enter__` on
        return self._claim

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

    def _discard(self) -> None:
        """Leave all as it was before."""
        if self._env is not None:
            self._env.close()
            self._env = None
        try:
            if self._placed:
                os.rename(self.path, self._claimed.folder)
            if self._old is not None:
                os.rename(self._old, self.path)
        finally:
            if self._claim is not None:
                self._claim.release()
            self._placed, self._old, self._claim = False, None, None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Where the block fails, discard the set and say what is wrong."""
        try:
            yield
        except (lmdb.Error, OSError) as error:
            self._discard()
            raise self._explain(error) from error
        except BaseException:
            self._discard()
            raise

    def _explain(self, error: lmdb.Error | OSError) -> DataError:
        full = isinstance(error, lmdb.DiskError) or (isinstance(error, OSError) and is_full(error))
        # LMDB calls a write that a full disk or a size limit cut short an input/output error.
        if full or any(os.strerror(code) in str(error) for code in (errno.EFBIG, errno.EIO)):
            return full_disk_error(self.path, error)
        reason: object = error
        if isinstance(error, OSError) and error.strerror:
            reason = f"{error.strerror} ({error.filename})" if error.filename else error.strerror
        return DataError(f"cannot write the LMDB set {self.path}: {reason}; choose another folder")


@contextmanager
def written_together(writers: Sequence[RecordWriter]) -> Iterator[None]:
    """Several sets at once: either all of them appear under their names, or none does."""
    with ExitStack() as stack:
        for writer in writers:
            stack.enter_context(writer)
        yield
        for writer in writers:
            writer.complete()  # what a full disk can hinder is done for all of them ...
        for writer in writers:
            writer.place()  # ... before the first one appears
