"""What all tests share: temporary caches, and skips that say what a machine lacks."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Matplotlib's list of fonts, made anew: one that names fonts which are gone lets every picture complain.
os.environ["MPLCONFIGDIR"] = _CACHE = tempfile.mkdtemp(prefix="owlkit-tests-")


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


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
