"""Files that have to be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from owlkit.core.errors import DataError, closest


class MissingFileError(DataError, RuntimeError):
    """There is no such file. A RuntimeError too, as in pycaffe."""


def existing(path: Any) -> Any:
    """`path` where it is a file, or no path at all; MissingFileError with the closest name otherwise."""
    if not isinstance(path, str | Path) or Path(path).is_file():
        return path
    folder = Path(path).parent
    near = closest(Path(path).name, (entry.name for entry in folder.glob("*"))) if folder.is_dir() else ""
    raise MissingFileError(f"could not open file {path}: there is none{near}")
