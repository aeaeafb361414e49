"""Writing files so that a reader sees the old content or the new one, never a half-written file."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from owlkit.core.errors import DataError, MissingFileError

_STAGING = ".owlkit-snapshot-"
GRACE_SECONDS = 60  # a staging folder younger than this may not be locked yet
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: OSError) -> bool:
    """Whether an error means that the disk, the quota or the allowed file size is used up."""
    return error.errno in _FULL


def full_disk_error(path: str | Path, cause: object) -> DataError:
    """The error to raise where `path` could not be written for lack of room."""
    folder = Path(path).absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return DataError(
        f"no room to write {path} ({cause}): {free:,} bytes are free in {folder}; "
        "nothing was changed there: free some space, raise the quota, or write to another disk"
    )


def sync_folder(folder: str | Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_temporary(target: Path) -> tuple[BinaryIO, Path]:
    temporary = target.parent / f".owlkit-{secrets.token_hex(8)}.tmp"
    try:
        return open(temporary, "xb"), temporary
    except OSError as error:
        if is_full(error):
            raise full_disk_error(target, error) from error
        if not target.parent.is_dir():
            raise DataError(
                f"cannot write {target}: there is no folder {target.parent}; create it"
            ) from error
        raise DataError(f"cannot write {target}: {error.strerror}") from error


@contextmanager
def write_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends well, and vanishes when it does not.

    It is written under a temporary name in the same folder, flushed to disk, then renamed, so that an
    interruption at any moment (Ctrl-C included) leaves the old file as it was.

    Raises DataError where the folder is missing or cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise DataError(f"cannot write {path}: it is a folder")
    stream, temporary = _open_temporary(target)
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and is_full(error):
            raise full_disk_error(path, error) from error
        raise
    sync_folder(target.parent)


def write_bytes(path: str | Path, content: bytes | memoryview) -> None:
    """Write a whole file atomically; raises as `write_atomically`."""
    with write_atomically(path) as stream:
        stream.write(content)


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` where files are made before they are renamed into place; gone when the block ends.

    A process that is killed leaves its folder behind: it is removed by the next one that comes here.
    """
    _sweep(parent)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
    descriptor = os.open(staging, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: nobody will sweep there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Remove staging folders that no living process has locked."""
    for left in parent.glob(f"{_STAGING}*"):
        try:
            if time.time() - left.stat().st_mtime < GRACE_SECONDS:
                continue
            descriptor = os.open(left, os.O_RDONLY)
        except OSError:
            continue  # gone meanwhile
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # somebody works there
        finally:
            os.close(descriptor)


def read_bytes(path: str | Path, what: str) -> bytes:
    """The content of a file. what : "caffemodel".

    Raises MissingFileError where it is not there, DataError where it is a folder or unreadable.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no {what} {path}{_neighbours(Path(path))}") from error
    except IsADirectoryError as error:
        kind = " (an LMDB set)" if (Path(path) / "data.mdb").exists() else ""
        raise DataError(f"{path} is a folder{kind}, not {article(what)} {what}") from error
    except OSError as error:
        raise DataError(f"cannot read {what} {path}: {error.strerror}") from error


def is_there(path: Path) -> bool:
    """`path.exists()`, and False for a name that no file can have: too long, with a null character."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def article(noun: str) -> str:
    """a mean file, an image file"""
    return "an" if noun[:1] in set("aeioHL") else "a"  # an HDF5 file, an LMDB set


def counted_from(path: Path) -> str:
    """Where a relative path counts from, which is not the folder of the file that names it."""
    return "" if path.is_absolute() else f" (paths count from {Path.cwd()})"


def _neighbours(path: Path) -> str:
    if not path.parent.is_dir():
        return f": the folder {path.parent} does not exist{counted_from(path)}"
    names = (
        sorted(p.name for p in path.parent.glob(f"*{path.suffix}") if p.is_file())[:5] if path.suffix else []
    )
    return f"; its folder holds {', '.join(names)}" if names else counted_from(path)
