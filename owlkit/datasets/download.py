"""Downloads with a checksum, several mirrors, and resuming."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from owlkit.core.errors import DataError
from owlkit.datasets.progress import Progress
from owlkit.io.files import full_disk_error, is_full

_CHUNK = 1 << 18  # bytes
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3  # per mirror; each goes on where the last one broke off


@dataclass(frozen=True)
class RemoteFile:
    """A file to be had from elsewhere.

    algorithm, checksum : "sha256", "sha1" or "md5", in hex. also : checksums of other copies that will do.
    unpacked : the checksum is of what the gzip file holds, so that a copy packed anew is accepted as well.
    member : the checksum is of this file in the tar archive, the only one that is used; a local mirror may
        hold it unpacked.
    addresses : of folders that hold this one; without any, those of its set.
    """

    name: str
    algorithm: str
    checksum: str
    unpacked: bool = False
    also: tuple[str, ...] = ()
    member: str = ""
    addresses: tuple[str, ...] = ()

    def check(self, path: Path) -> str | None:
        """What is wrong with a copy of the file, or None."""
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        try:
            with self._open(path) as stream:
                for chunk in iter(lambda: stream.read(_CHUNK), b""):
                    digest.update(chunk)
        except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, KeyError) as error:
            return f"it is cut short or damaged ({error})"
        if digest.hexdigest() not in (self.checksum, *self.also):
            of = f" of {self.member} in it" if self.member else ""
            return f"its {self.algorithm}{of} is {digest.hexdigest()}, expected {self.checksum}"
        return None

    @contextmanager
    def _open(self, path: Path) -> Iterator[IO[bytes]]:
        """The bytes that the checksum is of."""
        if not self.member:
            with gzip.open(path) if self.unpacked else path.open("rb") as stream:
                yield cast(IO[bytes], stream)
            return
        if path.is_dir():
            with (path / self.member).open("rb") as stream:
                yield stream
            return
        with tarfile.open(path) as tar:
            member = tar.extractfile(self.member)
            if member is None:
                raise tarfile.TarError(f"{self.member} is no file")
            yield member


def obtain(
    file: RemoteFile,
    folder: Path,
    addresses: Iterable[str],
    *,
    mirror: str | None = None,
    force: bool = False,
) -> Path:
    """A checked copy of `file`, in `folder` unless a local mirror has it.

    addresses : of folders that hold the file, tried in order. mirror : a local folder or an address to be
    used instead. force : download again what is there.
    Raises DataError where no address gives the right file, or the disk is full; a broken download stays as
    `<name>.part` and is resumed by the next try.
    """
    if mirror is not None and "://" not in mirror:
        return _local(file, Path(mirror).expanduser())
    target = folder / file.name
    if target.is_file() and not force and file.check(target) is None:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    for address in [mirror] if mirror is not None else file.addresses or addresses:
        url = f"{address.rstrip('/')}/{file.name}"
        problem = _download(file, url, target)
        if problem is None:
            return target
        problems.append(f"{url}: {problem}")
    raise DataError(
        f"could not download {file.name}:\n  " + "\n  ".join(problems) + "\nTry again (it goes on where it "
        "broke off), or get the file by other means and give its folder as mirror."
    )


def _local(file: RemoteFile, folder: Path) -> Path:
    path = folder / file.name
    if not path.is_file() and file.member and (folder / file.member).is_file():
        path = folder
    if not path.is_file() and path != folder:
        raise DataError(f"the mirror {folder} has no {file.name}")
    problem = file.check(path)
    if problem:
        raise DataError(f"{path} is not the right file: {problem}; replace it")
    return path


def _download(file: RemoteFile, url: str, target: Path) -> str | None:
    """Fetch `url` to `target`; what went wrong, or None."""
    part = target.with_name(target.name + ".part")
    problem: str | None = None
    for _ in range(_ATTEMPTS):
        fresh = not part.exists()
        try:
            problem = _fetch(url, part, file.name)
        except urllib.error.HTTPError as error:
            return f"the server answers {error.code} {error.reason}"
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            problem = f"broken off: {getattr(error, 'reason', error)}"
        except OSError as error:
            if is_full(error):
                part.unlink(missing_ok=True)
                raise full_disk_error(target, error) from error
            raise
        if problem is None:
            problem = file.check(part)
            if problem is None:
                os.replace(part, target)
                return None
            part.unlink()
            if fresh:
                return problem  # not for having gone on with a part of something else
    return problem


def _fetch(url: str, part: Path, name: str) -> str | None:
    """Append to `part` what is missing of `url`; None when all of it is there."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "owlkit"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is there: complete, or another file
            return None
        raise
    with response:
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        )
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        with part.open("ab" if resumed else "wb") as stream, Progress(name, total, have) as progress:
            got = have + _copy(response, stream, progress)
    if total is not None and got < total:
        return f"cut short: {got:,} of {total:,} bytes"
    return None


def _copy(response: Any, stream: BinaryIO, progress: Progress) -> int:
    count = 0
    while chunk := response.read(_CHUNK):
        stream.write(chunk)
        count += len(chunk)
        progress.advance(len(chunk))
    return count
