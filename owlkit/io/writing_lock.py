"""One process at a time writes files of a prefix: two trainings would write over each other's snapshots.

The lock is that of the system on `.owlkit-lock-<name>` beside the files, so it ends with its process, however
that ends, and nobody who reads has to ask for it. The file says whose it is. Within a process it may be held
many times over.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

from owlkit.core.errors import TrainingError
from owlkit.io.claim import signature

log = logging.getLogger("owlkit")
_REFUSED = {errno.EAGAIN, errno.EACCES}
_mutex = threading.Lock()
_lockless: set[Path] = set()  # folders whose file system was found to have no locks


class _Held:
    """A lock of this process. descriptor : None on a file system without locks. count : of its holders."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor, self.count = descriptor, 1


_held: dict[tuple[int, Path], _Held] = {}


class WritingLock:
    """The right to write files `<prefix>_iter_*`, from now on until `release`, in a folder that is there.

    Raises TrainingError where another process has it, naming that. Where the file system has no locks a
    warning is logged, once per folder, and everybody has the right.
    """

    def __init__(self, prefix: str) -> None:
        absolute = Path(prefix).absolute()
        self.file = Path(os.path.realpath(absolute.parent)) / f".owlkit-lock-{absolute.name}"
        # By process: what a fork inherits is not its own, and a record lock is not even inherited.
        self._key: tuple[int, Path] | None = (os.getpid(), self.file)
        with _mutex:
            held = _held.get(self._key)
            if held is not None:
                held.count += 1
            else:
                _held[self._key] = _Held(_locked(self.file, prefix))

    def __enter__(self) -> WritingLock:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the right back; a second time does nothing."""
        with _mutex:
            key, self._key = self._key, None
            if key is None or key[0] != os.getpid():
                return
            held = _held[key]
            held.count -= 1
            if not held.count:
                del _held[key]
                if held.descriptor is not None:
                    _unlock(self.file, held.descriptor)


def _locked(file: Path, prefix: str) -> int | None:
    """A descriptor of the file, which holds its lock; None where the file system has none.

    Record locks, not flock: a child of this process (workers that read) does not keep them when it is killed.
    They fall when this process closes any descriptor of the file, so nothing else may open it.
    """
    while True:
        descriptor = _opened(file)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            if error.errno in _REFUSED:
                raise _in_use(file, prefix, owner) from error
            _warn(file, error)
            return None
        if _is_still_there(file, descriptor):
            break
        os.close(descriptor)
    with suppress(OSError):  # on a full disk the lock is one all the same
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{signature()}\n".encode())
    return descriptor


def _opened(file: Path) -> int:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        raise TrainingError(
            f"{file}, which says who writes snapshots there, belongs to another user: remove it if nobody "
            "does, or choose another snapshot_prefix"
        ) from error
    with suppress(OSError):
        os.fchmod(descriptor, 0o666)  # in a folder of a group others take over what a crash has left
    return descriptor


def _warn(file: Path, error: OSError) -> None:
    with suppress(OSError):
        file.unlink()
    if file.parent not in _lockless:
        _lockless.add(file.parent)
        log.warning(
            "%s: this file system has no locks (%s): another process that writes the same snapshots would "
            "not be noticed",
            file.parent,
            error.strerror,
        )


def _in_use(file: Path, prefix: str, owner: str) -> TrainingError:
    return TrainingError(
        f"{owner or 'another process'} writes snapshots {prefix}_iter_*: wait until it ends, or end it, or "
        "choose another snapshot_prefix. If it is gone for certain (its machine went down, and a network "
        f"file system does not know), remove {file}"
    )


def _is_still_there(file: Path, descriptor: int) -> bool:
    """Whether the file is the one that was opened: who had it may have removed it before letting go."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _unlock(file: Path, descriptor: int) -> None:
    with suppress(OSError):
        if _is_still_there(file, descriptor):
            file.unlink()
    os.close(descriptor)
