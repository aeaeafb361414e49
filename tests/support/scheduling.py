"""How `pytest -n` deals the tests out to its processes; without -n all run in one, file by file."""

from __future__ import annotations

from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

BROWSER, SLOW = "mark.browser", "mark.slow"


@cache
def says(file: Path, mark: str) -> bool:
    return mark in file.read_text(encoding="utf-8")


def by_file(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """A file's tests stay together. Each process that gets a file with a browser has a JupyterLab of its own:
    with one between them, the process that had it ended long after the others.
    """
    config.option.loadscopereorder = False  # by the number of tests, which says nothing about their time
    return LoadFileScheduling(config, log)


def put_the_longest_first(items: list[pytest.Item]) -> None:
    """Files with a browser and those with something slow take turns, then come all others: no process ends
    long after the others, and seldom does more than one browser paint.
    """
    files = list(dict.fromkeys(item.path for item in items))
    browser = [file for file in files if says(file, BROWSER)]
    slow = [file for file in files if says(file, SLOW) and file not in browser]
    turns = [file for file in chain(*zip_longest(browser, slow)) if file]
    rank = {file: place for place, file in enumerate(dict.fromkeys([*turns, *files]))}
    items.sort(key=lambda item: rank[item.path])
