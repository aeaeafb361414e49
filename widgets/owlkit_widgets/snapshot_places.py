"""Where the snapshots of a run lie: Caffe's names are relative to a folder that nobody sees in a notebook."""

from __future__ import annotations

import os
from typing import Any


def whole_path(model: str) -> str:
    """Absolute path of weights that were written; "" where they are not here, as those of a log."""
    return os.path.abspath(model) if os.path.exists(model) else ""


def whole_prefix(run: Any) -> str:
    """Absolute form of what the names of a run's snapshots start with; "" for a run without a solver."""
    prefix = getattr(getattr(run, "solver", None), "prefix", "")
    return os.path.abspath(prefix) if prefix else ""
