"""Finds the folder of reference data that is shared between checkouts and not part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_root() -> Path:
    """$OWLKIT_SHARED, or `shared` beside the project root."""
    return Path(os.environ.get("OWLKIT_SHARED") or ROOT.parent / "shared")


def shared(relative: str) -> Path:
    """The file or folder of that name in the shared folder; where it is missing the test is skipped."""
    path = shared_root() / relative
    if not path.exists():
        pytest.skip(f"no {path} (OWLKIT_SHARED names the folder of reference data)", allow_module_level=True)
    return path
