"""Readers with faults, each of which a campaign has to find. None is used but by the test of the campaign."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

from tests.fuzz.readers import Reader

VALID = b"valid file, " * 4


def _is_valid(path: Path) -> bool:
    """Warming up must pass."""
    return path.read_bytes() == VALID


def _wrong_error(path: Path) -> None:
    if not _is_valid(path):
        {}["what the file names"]


def _gigabyte(path: Path) -> None:
    if not _is_valid(path):
        bytearray(1 << 30)


def _command(path: Path) -> None:
    if not _is_valid(path):
        os.system("true")


def _hang(path: Path) -> None:
    while not _is_valid(path):
        time.sleep(0.01)


def _crash(path: Path) -> None:
    if not _is_valid(path):
        ctypes.string_at(8)


# name -> (reader, what its failure tells)
BROKEN = {
    "wrong_error": (Reader("wrong_error", _wrong_error, lambda: [VALID]), "KeyError: 'what the file names'"),
    "gigabyte": (Reader("gigabyte", _gigabyte, lambda: [VALID]), "MemoryError"),
    "command": (Reader("command", _command, lambda: [VALID]), "CodeExecution: os.system"),
    "hang": (Reader("hang", _hang, lambda: [VALID]), "Timeout"),
    "crash": (Reader("crash", _crash, lambda: [VALID]), "the process ended with -11"),
}
