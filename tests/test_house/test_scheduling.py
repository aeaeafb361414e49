"""How `pytest -n` deals the tests out to its processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("xdist", reason="pytest-xdist is in the dev extra")

from xdist.scheduler import LoadFileScheduling

from tests.support.scheduling import BROWSER, by_file, put_the_longest_first, says

BROWSERS = ["tests/widgets/test_browser.py", "tests/widgets/test_notebook7.py"]
SLOW, QUICK = "tests/notebooks/test_notebooks.py", "tests/proto/test_text.py"


def order_of(config: pytest.Config, *files: str) -> list[str]:
    items: list[Any] = [SimpleNamespace(path=config.rootpath / file, name=file) for file in files]
    put_the_longest_first(items)
    return [item.name for item in items]


def test_files_stay_whole_and_in_order(pytestconfig: pytest.Config) -> None:
    option = SimpleNamespace(loadscopereorder=True)
    config: Any = SimpleNamespace(
        option=option, getvalue=lambda name: ["popen"] * 2, rootpath=pytestconfig.rootpath
    )
    scheduler = by_file(config, None)
    assert isinstance(scheduler, LoadFileScheduling)
    assert not option.loadscopereorder
    assert (
        scheduler._split_scope(f"{QUICK}::test_a[x::y]")
        == scheduler._split_scope(f"{QUICK}::test_b")
        == QUICK
    )


def test_whoever_is_marked_is_seen_in_the_file(request: pytest.FixtureRequest) -> None:
    marked = {item.path for item in request.session.items if item.get_closest_marker("browser")}
    assert all(says(file, BROWSER) for file in marked | {request.config.rootpath / BROWSERS[0]})
    assert not says(request.config.rootpath / QUICK, BROWSER)


def test_the_longest_come_first_and_browsers_take_turns_with_them(pytestconfig: pytest.Config) -> None:
    assert order_of(pytestconfig, QUICK, SLOW, *BROWSERS) == [BROWSERS[0], SLOW, BROWSERS[1], QUICK]
    assert order_of(pytestconfig, SLOW, BROWSERS[0], SLOW) == [BROWSERS[0], SLOW, SLOW], "a file is torn"
