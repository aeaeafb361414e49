"""The cell that runs now."""

from __future__ import annotations

from typing import Any


def _shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def number() -> int:
    """Its number; 0 outside of a notebook."""
    return int(getattr(_shell(), "execution_count", 0) or 0)


def source() -> str:
    """What it consists of."""
    return str((getattr(_shell(), "user_ns", {}).get("In") or [""])[-1])
