"""A JupyterLab on a loopback port and a headless Chromium, for the tests marked `browser`; quick samples."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from .server import CHROMIUM_ARGS, Lab, find_chromium, running_lab


def _need(*modules: str) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (extras notebook and dev)")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that the browser tests of a process share."""
    _need("jupyterlab", "ipykernel", "anywidget")
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium of the system (OWLKIT_CHROMIUM names another one)."""
    _need("playwright")
    path = find_chromium()
    if path is None:
        pytest.skip("needs Chromium (Debian's package, or OWLKIT_CHROMIUM=/path)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


# What stands below each cell, and where: all that there is to see of a failure elsewhere.
SHOWN = """() => [...document.querySelectorAll('.jp-OutputArea-output')].map((output) => {
  const b = output.getBoundingClientRect(), box = [b.x, b.y, b.width, b.height].map(Math.round);
  return `[${box}] ${output.innerText.replace(/\\s+/g, ' ').slice(0, 1500)}`; })"""
# What Notebook 7.6 says of its own settings and of a command that JupyterLab's file browser alone has.
OF_NOTEBOOK_7 = ("reading 'schema'", "'filebrowser:open-path' not registered")


class Tab:
    """One page for one test after another, as in a person's browser: JupyterLab is compiled once. Nothing
    else stays, and a test that fails takes its page with it.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._page: Any = None

    def page(self, height: int) -> Any:
        """An empty page, 1560 wide."""
        size = {"width": 1560, "height": height}
        if self._page is None:
            self._page = self._browser.new_context(viewport=size, device_scale_factor=2).new_page()
        self._page.set_viewport_size(size)
        return self._page

    def leave(self, failed: bool) -> None:
        """What was in the page ends, and what it has stored is forgotten."""
        if failed:
            self._page.context.close()
            self._page = None
        else:
            self._page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            self._page.context.clear_cookies()
            self._page.goto("about:blank")


@pytest.fixture(scope="session")
def tab(browser: Any) -> Tab:
    return Tab(browser)


@contextmanager
def _watched_page(
    request: pytest.FixtureRequest, lab: Any, tab: Tab, height: int, known: tuple[str, ...] = ()
) -> Iterator[Any]:
    page, failed = tab.page(height), request.session.testsfailed
    errors: list[str] = []
    outside: list[str] = []
    local = (lab.url, lab.url.replace("http", "ws", 1), "data:", "blob:")
    heard = {
        "request": lambda request: None if request.url.startswith(local) else outside.append(request.url),
        "pageerror": lambda error: errors.append(str(error)),
    }
    for event, listener in heard.items():
        page.on(event, listener)
    yield page
    for event, listener in heard.items():
        page.remove_listener(event, listener)
    if request.session.testsfailed > failed:
        print(f"the page at the end, {page.viewport_size}:")
        with suppress(Exception):  # a page that is gone
            print(*page.evaluate(SHOWN), sep="\n")
    tab.leave(request.session.testsfailed > failed)
    lab.end_kernels()
    assert not [error for error in errors if not any(each in error for each in known)]
    assert not outside, outside


@pytest.fixture
def page(request: pytest.FixtureRequest, lab: Any, tab: Tab) -> Iterator[Any]:
    """A page that fails the test on an error in it and on a request that leaves the loopback address."""
    with _watched_page(request, lab, tab, 860) as watched:
        yield watched


@pytest.fixture
def page_of_notebook_7(request: pytest.FixtureRequest, lab: Any, tab: Tab) -> Iterator[Any]:
    """Like `page`, for Notebook 7, whose own errors do not count."""
    pytest.importorskip("notebook", reason="Notebook 7 is in the dev extra")
    with _watched_page(request, lab, tab, 1000, OF_NOTEBOOK_7) as watched:
        yield watched


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go: OWLKIT_SCREENSHOTS, or the test's own folder, which gets few: see `shoot`."""
    folder = Path(os.environ.get("OWLKIT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples at every iteration."""
    from owlkit_widgets import sampler

    for name in ("PERIOD", "FILTERS_PERIOD"):
        monkeypatch.setattr(sampler, name, 0.0)
    monkeypatch.setattr(sampler, "SHARE", math.inf)
