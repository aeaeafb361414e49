"""Where the snapshots of a run lie: Caffe's names are relative to a folder that nobody sees in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def whole_path(model: str) -> str:
    """Path of weights that were written, as `told`; "" where they are not here, as those of a log."""
    return told(model) if os.path.exists(model) else ""


def whole_prefix(run: Any) -> str:
    """What the paths of a run's snapshots start with, as `told`; "" for a run without a solver."""
    prefix = getattr(getattr(run, "solver", None), "prefix", "")
    return told(prefix) if prefix else ""


def told(path: str) -> str:
    """Absolute, as a shell takes it: "~" is the user's home."""
    whole, home = os.path.abspath(path), Path.home()
    return f"~/{Path(whole).relative_to(home)}" if Path(whole).is_relative_to(home) else whole
