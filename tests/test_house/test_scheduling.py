"""How `pytest -n` deals the tests out to its processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("xdist", reason="pytest-xdist is in the dev extra")

from tests.support.scheduling import ByFile, put_the_longest_first

BROWSER = ["tests/widgets/test_browser.py", "tests/widgets/test_notebook7.py"]
SLOW, QUICK = "tests/notebooks/test_notebooks.py", "tests/proto/test_text.py"


def group(config: pytest.Config, nodeid: str) -> str:
    scheduler: Any = SimpleNamespace(config=config)
    return ByFile._split_scope(scheduler, nodeid)


def test_one_process_has_all_browsers_and_files_stay_whole(pytestconfig: pytest.Config) -> None:
    browsers = {group(pytestconfig, f"{file}::test_a") for file in BROWSER}
    assert len(browsers) == 1
    assert group(pytestconfig, f"{QUICK}::test_a[x::y]") == group(pytestconfig, f"{QUICK}::test_b") == QUICK
    assert browsers.isdisjoint({QUICK, group(pytestconfig, f"{SLOW}::test_a")})


def test_whoever_is_marked_is_seen_in_the_file(request: pytest.FixtureRequest) -> None:
    marked = [item for item in request.session.items if item.get_closest_marker("browser")]
    wanted = {group(request.config, f"{BROWSER[0]}::test_a")}
    assert {group(request.config, item.nodeid) for item in marked} <= wanted


def test_the_longest_come_first(pytestconfig: pytest.Config) -> None:
    items: list[Any] = [
        SimpleNamespace(path=pytestconfig.rootpath / file) for file in (QUICK, SLOW, BROWSER[1], BROWSER[0])
    ]
    put_the_longest_first(items)
    assert [item.path.name for item in items] == [
        "test_notebook7.py", "test_browser.py", "test_notebooks.py", "test_text.py"
    ]  # fmt: skip
