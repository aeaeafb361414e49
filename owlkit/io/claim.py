"""The folder in which an LMDB set is made: one writer at a time, and a note in it of who that is."""

from __future__ import annotations

import datetime
import fcntl
import os
import shutil
from pathlib import Path

from owlkit.core.errors import DataError

NOTE = "writer.txt"
_OF_A_WRITER = {"data.mdb", "lock.mdb", NOTE}


def partial_of(target: Path) -> Path:
    """The folder in which the set `target` is made."""
    return target.parent / f"{target.name}.partial"  # not with_name: "." and "/" have no name


def writer_of(partial: Path) -> str:
    """ "process 4321 on owl since 2026-11-21 12:04", as its note says; "" where it has none."""
    try:
        return (partial / NOTE).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def signature() -> str:
    """What `writer_of` tells of this process, from now on."""
    moment = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"
    return f"process {os.getpid()} on {os.uname().nodename} since {moment}"


class Claim:
    """`<set>.partial`, empty, and locked until `release` or `let_go`.

    A lock ends with its process: what a killed one left is taken over by the next writer. Raises DataError
    where another one is at work, or the folder has files of somebody else; OSError where it cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.folder = partial_of(target)
        self._lock = self._locked(target)
        try:
            self._empty()
        except BaseException:
            self.let_go()
            raise
        try:
            self._sign()
        except BaseException:
            self.release()
            raise

    def _locked(self, target: Path) -> int:
        """A descriptor of the folder, which holds its lock."""
        while True:
            self.folder.mkdir(exist_ok=True)
            try:
                descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # its writer is done meanwhile
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_still_there(descriptor):
                    return descriptor
                os.close(descriptor)
            except BlockingIOError as error:
                os.close(descriptor)
                raise DataError(
                    f"{target} is being written by {writer_of(self.folder) or 'another process'}: "
                    "wait until that ends, or choose another name"
                ) from error
            except OSError:
                os.close(descriptor)
                raise

    def _is_still_there(self, descriptor: int) -> bool:
        """Whether the folder is the one that was opened: its writer may have renamed it before it let go."""
        try:
            return os.path.samestat(os.stat(self.folder), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _empty(self) -> None:
        """Take away what a killed writer left, and nothing else."""
        found = set(os.listdir(self.folder))
        if foreign := sorted(found - _OF_A_WRITER):
            raise DataError(
                f"{self.folder}, where the set would be made, holds {foreign[0]!r}; it was left alone: "
                "move it away, or choose another name"
            )
        for name in found:
            (self.folder / name).unlink()

    def _sign(self) -> None:
        (self.folder / NOTE).write_text(f"{signature()}\n")

    def leave_data_only(self) -> None:
        """Take away what is for writers; call it before the folder is renamed."""
        for name in ("lock.mdb", NOTE):
            (self.folder / name).unlink(missing_ok=True)

    def let_go(self) -> None:
        """End the lock; the folder stays, or was renamed."""
        os.close(self._lock)

    def release(self) -> None:
        """Remove the folder and end the lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.let_go()
