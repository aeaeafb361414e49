"""The widgets in Notebook 7, which the same server shows under /notebooks: painted, and run by its menus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import INK, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

CELLS = [
    "import owlkit as owl, lenet_digits\nrun = owl.train(lenet_digits.solver(max_iter=300), name='lenet')",
    "run.wait()\nfrom gradient_nets import small\nreport = owl.check_gradients(small('HastySoftsign'))",
]


# What Notebook 7.6 says of its own settings and of a command that JupyterLab's file browser alone has.
NOT_OURS = ("reading 'schema'", "'filebrowser:open-path' not registered")


@pytest.fixture
def page(lab: Any, browser: Any) -> Iterator[Any]:
    """A page that fails the test on an error in it and on a request that leaves the loopback address."""
    context = browser.new_context(viewport={"width": 1560, "height": 1000}, device_scale_factor=2)
    errors: list[str] = []
    outside: list[str] = []
    local = (lab.url, lab.url.replace("http", "ws", 1), "data:", "blob:")
    context.on("request", lambda r: None if r.url.startswith(local) else outside.append(r.url))
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not [error for error in errors if not any(known in error for known in NOT_OURS)]
    assert not outside


def test_monitor_and_gradient_check(lab: Any, page: Any, shots: Path) -> None:
    pytest.importorskip("notebook", reason="Notebook 7 is in the dev extra")
    Notebook(lab, page, "seven", CELLS)
    page.goto(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60000)
    assert not page.locator(".jp-SideBar .lm-TabBar-tab").first.is_visible(), "this is JupyterLab"
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()

    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    page.locator(".owl .pill", has_text="Finished").wait_for(timeout=90000)
    assert page.evaluate(INK, "train") > 200
    page.locator(".owl.grd .pill", has_text="1 wrong").wait_for(timeout=60000)
    page.locator(".jp-InputPrompt", has_text="[2]:").wait_for()
    page.locator(".owl.grd").scroll_into_view_if_needed()
    time.sleep(0.3)
    assert "backward gives" not in page.locator(".owl.grd .faults").inner_text()
    assert page.locator(".owl.grd .blobs canvas").first.bounding_box()["width"] > 20
    page.screenshot(path=str(shots / "notebook7-light.png"))

    # What needs the front end's help works here too.
    page.locator(".owl.grd").get_by_role("button", name="New cell").click()
    page.wait_for_function("() => document.querySelectorAll('.jp-Notebook .jp-Cell').length === 3")
    assert 'layers=["act"]' in page.locator(".jp-Notebook .jp-Cell").last.inner_text()
