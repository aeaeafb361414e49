"""How `pytest -n` deals the tests out to its processes; without -n all run in one, file by file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

BROWSER, SLOW = "mark.browser", "mark.slow"


@cache
def says(file: Path, mark: str) -> bool:
    return mark in file.read_text(encoding="utf-8")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file's tests stay together, and those of all files with a browser, which share a JupyterLab."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return BROWSER if says(self.config.rootpath / file, BROWSER) else file


def by_file(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False  # by the number of tests, which says nothing about their time
    return ByFile(config, log)


def put_the_longest_first(items: list[pytest.Item]) -> None:
    """Files with a browser, then those with something slow, so that no process ends long after the others."""
    items.sort(key=lambda item: (not says(item.path, BROWSER), not says(item.path, SLOW)))
