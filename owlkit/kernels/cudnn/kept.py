"""Choices on disk: a file each, named by what it was chosen for.

Those of ever new input shapes are not kept for ever: beyond `MOST_FILES`, or `MOST_BYTES`, those are removed
that nobody has read for longest. Whoever needs a file reads the whole of it at once, and a program that finds
it gone chooses anew: several may use the folder at a time.

cuDNN is never given a file that is not what was written: it crashes on one that was cut off.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 2
MOST_FILES = 10_000
MOST_BYTES = 512 << 20
SPARED = 0.9  # what is left of either where files are removed
ABANDONED = 3600  # seconds after which a file that somebody began to write is nobody's

SUFFIXES = (".plan", ".times")

_log = logging.getLogger("owlkit")


@dataclass(frozen=True)
class Kept:
    """facts : what is said of it, as JSON holds it. content : of a plan, what cuDNN's `serialize` gave."""

    facts: dict[str, Any]
    content: bytes = b""

    @property
    def checksum(self) -> str:
        return hashlib.sha256(json.dumps(self.facts).encode() + self.content).hexdigest()


def path_of(folder: Path, key: str, suffix: str = "plan") -> Path:
    """The file for a key, which names versions, device, rules and problem."""
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.{suffix}"


def read(folder: Path | None, key: str, suffix: str = "plan") -> Kept | None:
    """What is kept under the key; None where there is nothing, or a file that is damaged: a line says so."""
    if folder is None:
        return None
    path = path_of(folder, key, suffix)
    try:
        head, _, content = path.read_bytes().partition(b"\n")
        told = json.loads(head)
        if (told["format"], told["key"]) != (FORMAT, key):
            raise ValueError("it is of another version")
        found = Kept(told["facts"], content)
        if found.checksum != told["sha256"]:
            raise ValueError("its content is damaged")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("owlkit: %s is ignored (%s); the choice is made anew", path, error)
        return None
    with suppress(OSError):  # another process has removed it, or the folder is not ours
        os.utime(path)
    return found


def write(folder: Path | None, key: str, choice: Kept, suffix: str = "plan") -> None:
    """Keep a choice, whole or not at all; where that is impossible a line says so."""
    if folder is None:
        return
    head = {"format": FORMAT, "key": key, "facts": choice.facts, "sha256": choice.checksum}
    temporary = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not synced, unlike results: what a crash leaves of it is seen by its checksum, and chosen anew.
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n" + choice.content)
        path = path_of(folder, key, suffix)
        os.replace(temporary, path)
        if path.name.startswith("0"):  # one choice of sixteen: to look takes milliseconds
            remove_oldest(folder)
    except OSError as error:
        _log.warning("owlkit: a choice for the GPU is not kept: %s", error)
        Path(temporary).unlink(missing_ok=True) if temporary else None


def remove_oldest(folder: Path) -> None:
    """Remove what nobody has read for longest, where there is more than is kept; and what was left half
    written by a process that is gone.
    """
    files, begun = _listed(folder)
    for written, path in begun:
        if written < time.time() - ABANDONED:
            _remove(path)
    count, nbytes = len(files), sum(size for _, size, _ in files)
    if count <= MOST_FILES and nbytes <= MOST_BYTES:
        return
    for _, size, path in sorted(files):
        if count <= SPARED * MOST_FILES and nbytes <= SPARED * MOST_BYTES:
            return
        _remove(path)
        count, nbytes = count - 1, nbytes - size


def _listed(folder: Path) -> tuple[list[tuple[float, int, str]], list[tuple[float, str]]]:
    """(last used, bytes, path) of the choices that are kept, and (last written, path) of files that somebody
    writes.
    """
    files, begun = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process removes files too
                about = entry.stat()
                if entry.name.endswith(SUFFIXES):
                    files.append((about.st_mtime, about.st_size, entry.path))
                elif entry.name.endswith(".tmp"):
                    begun.append((about.st_mtime, entry.path))
    return files, begun


def _remove(path: str) -> None:
    with suppress(OSError):  # gone already; on Windows, another process is reading it
        os.unlink(path)
