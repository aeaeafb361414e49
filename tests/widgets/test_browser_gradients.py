"""The gradient check in a real JupyterLab: it fills live, is paused and stopped, and survives a reload."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import (
    PICTURE,
    Notebook,
    accessibility_findings,
    expect_count,
    painted,
    shoot,
    still,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = [
    "import owlkit\nfrom gradient_nets import small",
    "report = owlkit.check_gradients(small('WrongInPart'), elements=1024, seed=1)",
    "owlkit.check_gradients(small(), elements=300)",
]

# Pixels of the map in row n that have a colour for wrong elements, and for right ones.
WRONG_INK = """([n]) => {
  const c = document.querySelectorAll('.owl.grd .blobs canvas')[n];
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let wrong = 0, right = 0;
  for (let i = 0; i < d.length; i += 4) {
    if (d[i + 3] < 200) continue;
    if (d[i] > d[i + 2] + 60) wrong++; else if (d[i + 2] > d[i] + 4) right++;
  }
  return [wrong, right]; }"""


def state(page: Any, word: str, number: int = 0, timeout: float = 60000) -> None:
    page.locator(".owl.grd").nth(number).locator(".pill", has_text=word).wait_for(timeout=timeout)


def done(page: Any) -> int:
    text = page.locator(".owl.grd .fig .v span").first.inner_text()
    return int("".join(c for c in text if c.isdigit()) or 0)


@pytest.fixture
def dwell(lab: Any) -> Iterator[Path]:
    """While this file is there, the check stays at the layer `act`, on any machine."""
    path: Path = lab.folder / "dwell"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def wait_for_act(page: Any) -> None:
    checking = "/checking act/.test(document.querySelector('.owl.grd .detail').textContent)"
    page.wait_for_function(f"() => {checking}", timeout=60000)


def row_of_act(grd: Any) -> int:
    texts = grd.locator(".blobs tbody tr").all_inner_texts()
    return next(i for i, text in enumerate(texts) if text.startswith("act"))


def test_a_check_is_watched_steered_and_reproduced(lab: Any, page: Any, shots: Path, dwell: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1240})
    notebook = Notebook(lab, page, "gradients", CELLS)
    notebook.open()
    notebook.run_all()
    grd = page.locator(".owl.grd").first
    grd.locator(".blobs tbody tr").nth(5).wait_for(timeout=60000)
    held_and_let_go(page, grd, shots, dwell)
    what_is_found(page, grd)
    in_both_themes(notebook, grd, shots)
    by_keys(page, grd, shots)
    in_a_cell_of_its_own(notebook, grd)
    again_and_stopped(page, grd, shots, dwell)
    reloaded(notebook, page)
    narrow(page, page.locator(".owl.grd").last, shots)


def held_and_let_go(page: Any, grd: Any, shots: Path, dwell: Path) -> None:
    """While the cell runs: rows wait, one is checked, and the buttons answer."""
    wait_for_act(page)
    grd.get_by_text("waits").first.wait_for()
    grd.get_by_role("button", name="Pause").click()
    state(page, "Paused")
    assert "[*]:" in page.locator(".jp-InputPrompt").nth(1).inner_text(), "the cell is still running"
    painted(page)
    held = done(page)
    time.sleep(0.5)  # what goes on would be seen by now
    assert done(page) == held
    shoot(grd, shots / "gradients-paused-light.png")
    dwell.unlink()
    grd.get_by_role("button", name="Resume").click()
    view = grd.element_handle()
    state(page, "1 wrong")
    state(page, "All pass", 1)
    assert page.locator(".owl.grd").count() == 2, "the value of a cell is not shown beside the live check"
    grd.get_by_role("button", name="Check again").wait_for()
    assert view.evaluate("e => e.isConnected && e.contains(document.activeElement)"), "the focus is lost"


def what_is_found(page: Any, grd: Any) -> None:
    """The map is painted, and what is wrong is found and put in words."""
    act = row_of_act(grd)
    until(lambda: min(page.evaluate(WRONG_INK, [act])) > 200, "right and wrong elements in the map")
    assert page.evaluate(WRONG_INK, [0])[0] == 0
    detail = grd.locator(".fd")
    assert "act conv" in detail.inner_text()
    assert "backward gives 1.6 times the slope in each" in detail.inner_text()
    detail.get_by_text("flat: wrong, whatever the step").wait_for()


def in_both_themes(notebook: Notebook, grd: Any, shots: Path) -> None:
    page = notebook.page
    page.mouse.move(5, 5)
    shoot(grd, shots / "gradients-light.png")
    shoot(page.locator(".owl.grd").nth(1), shots / "gradients-passed-light.png")
    assert not accessibility_findings(page)
    notebook.theme("Dark")
    shoot(grd, shots / "gradients-dark.png")
    assert not accessibility_findings(page)
    notebook.theme("Light")


def by_keys(page: Any, grd: Any, shots: Path) -> None:
    """Another blob, another element, which is measured at other steps; the table; the help."""
    rows = grd.locator(".blobs tbody tr")
    rows.nth(row_of_act(grd)).focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => document.querySelector('.owl.grd .fd .big').textContent.startsWith('conv')")
    page.keyboard.press("ArrowRight")
    grd.locator(".fd").get_by_text("a valley: the gradient is right").wait_for()
    page.keyboard.press("t")
    rows.first.get_by_text("Convolution").wait_for()
    shoot(grd, shots / "gradients-table-light.png")
    page.keyboard.press("t")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard").first.wait_for()
    page.keyboard.press("Escape")


def in_a_cell_of_its_own(notebook: Notebook, grd: Any) -> None:
    """One click, and the worst element is looked at in a cell of its own."""
    page, detail = notebook.page, grd.locator(".fd")
    grd.locator(".blobs tbody tr").nth(row_of_act(grd)).click()
    detail.locator(".big", has_text="act conv").wait_for()
    code = detail.locator(".snip").inner_text()
    narrowed = 'small(\'WrongInPart\'), seed=1,\n    layers=["act"], blob="conv",\n    at=('
    assert code.startswith(f"owlkit.check_gradients(\n    {narrowed}")
    grd.get_by_role("button", name="New cell").click()
    page.wait_for_function("() => document.querySelectorAll('.jp-Notebook .jp-Cell').length === 4")
    assert code in page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.model.cells.get(2).sharedModel.source"
    )
    notebook.command("docmanager:save")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
    notebook.command("notebook:run-cell")
    state(page, "1 wrong", 1)


def again_and_stopped(page: Any, grd: Any, shots: Path, dwell: Path) -> None:
    """Check again fills it anew; stop keeps what is known."""
    dwell.touch()
    grd.get_by_role("button", name="Check again").click()
    grd.get_by_role("button", name="Pause").wait_for()
    wait_for_act(page)
    grd.get_by_role("button", name="Stop", exact=True).click()
    grd.get_by_role("button", name="Check again").wait_for()
    dwell.unlink()
    grd.locator(".detail", has_text="interrupted").wait_for()
    assert "not checked" in grd.inner_text()
    shoot(grd, shots / "gradients-interrupted-light.png")


def reloaded(notebook: Notebook, page: Any) -> None:
    """All is there, and was nowhere else than in the kernel."""
    elements, before = done(page), page.evaluate(WRONG_INK, [0])
    notebook.save()
    notebook.reload()
    state(page, "Interrupted", timeout=120000)
    assert done(page) == elements
    until(lambda: page.evaluate(WRONG_INK, [0]) == before, "the map as it was")
    page.set_viewport_size({"width": 1100, "height": 1600})


def narrow(page: Any, grd: Any, shots: Path) -> None:
    """The panel lies beneath the list, and the maps keep their room."""
    grd.scroll_into_view_if_needed()
    still(grd)
    painted(page)
    listed, detail = grd.locator(".list").bounding_box(), grd.locator(".fd").bounding_box()
    assert detail["y"] >= listed["y"] + listed["height"]
    for row in grd.locator(".blobs tbody tr").all():
        cell, canvas = row.locator("td.map").bounding_box(), row.locator("canvas").bounding_box()
        assert cell["width"] > 150
        assert canvas["width"] <= cell["width"], "a map lies over what is beside it"
    shoot(grd, shots / "gradients-narrow-light.png")


def test_a_saved_check_is_a_picture(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(
        lab, page, "gradients_saved", [CELLS[0], "owlkit.check_gradients(small('HastySoftsign'))"]
    )
    notebook.open()
    notebook.run_all()
    state(page, "1 wrong", timeout=60000)
    page.locator(".jp-InputPrompt", has_text="[2]:").wait_for()  # the cell has ended, with its picture
    notebook.save()
    outputs = json.loads(notebook.path.read_text())["cells"][1]["outputs"]
    assert ["image/png" in output["data"] for output in outputs] == [False, False, True, False]
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 1)
    expect_count(page.get_by_text("model not found").locator("visible=true"), 0)
    page.screenshot(path=str(shots / "gradients-reopened-light.png"))
