"""Notebook widgets of owlkit. Importing this package is cheap; Jupyter is imported by what needs it."""

from __future__ import annotations

from typing import Any

__all__ = ["Frontend", "Monitor"]


def __getattr__(name: str) -> Any:
    if name == "Frontend":
        from .frontend import Frontend

        return Frontend
    if name == "Monitor":
        from .monitor import Monitor

        return Monitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
