"""Choices on disk: a file each, named by what it was chosen for.

cuDNN is never given a file that is not what was written: it crashes on one that was cut off.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 2

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
    if folder is None or not path_of(folder, key, suffix).exists():
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
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("owlkit: %s is ignored (%s); the choice is made anew", path, error)
        return None


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
        os.replace(temporary, path_of(folder, key, suffix))
    except OSError as error:
        _log.warning("owlkit: a choice for the GPU is not kept: %s", error)
        Path(temporary).unlink(missing_ok=True) if temporary else None
