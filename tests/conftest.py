"""What all tests share: temporary caches, and skips that say what a machine lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skips = {"browser": no_browser(), "gpu": no_gpu()}
    for item in items:
        for name, reason in skips.items():
            if reason and item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


def no_browser() -> str:
    return "" if shutil.which("chromium") else "no chromium on PATH (Debian: apt install chromium)"


def no_gpu() -> str:
    return "" if Path("/dev/nvidiactl").exists() else "no NVIDIA GPU"
