"""Chosen plans on disk: a file each, named by what it was chosen for.

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

FORMAT = 1

_log = logging.getLogger("owlkit")


@dataclass(frozen=True)
class Kept:
    """name : of the plan, cuDNN's. workspace : bytes it needs. content : what `serialize` gave."""

    name: str
    workspace: int
    content: bytes


def path_of(folder: Path, key: str) -> Path:
    """The file for a key, which names versions, device, rules and problem."""
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.plan"


def read(folder: Path | None, key: str) -> Kept | None:
    """What is kept under the key; None where there is nothing, or a file that is damaged: a line says so."""
    if folder is None or not path_of(folder, key).exists():
        return None
    path = path_of(folder, key)
    try:
        head, _, content = path.read_bytes().partition(b"\n")
        told = json.loads(head)
        if (told["format"], told["key"]) != (FORMAT, key):
            raise ValueError("it is of another version")
        if hashlib.sha256(content).hexdigest() != told["sha256"]:
            raise ValueError("its content is damaged")
        return Kept(str(told["name"]), int(told["workspace"]), content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("owlkit: %s is ignored (%s); the plan is chosen anew", path, error)
        return None


def write(folder: Path | None, key: str, plan: Kept) -> None:
    """Keep a plan, whole or not at all; where that is impossible a line says so."""
    if folder is None:
        return
    head = {"format": FORMAT, "key": key, "name": plan.name, "workspace": plan.workspace}
    head["sha256"] = hashlib.sha256(plan.content).hexdigest()
    temporary = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not synced, unlike results: what a crash leaves of it is seen by its checksum, and chosen anew.
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n" + plan.content)
        os.replace(temporary, path_of(folder, key))
    except OSError as error:
        _log.warning("owlkit: the choice of a cuDNN plan is not kept: %s", error)
        Path(temporary).unlink(missing_ok=True) if temporary else None
