"""The monitor in a real JupyterLab: painted, controlled, reloaded, and no request leaves the machine."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, expect_count, painted, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

TRAIN = """import owlkit as owl
from lenet_digits import solver
run = owl.train(solver(), name="lenet")
"the cell has returned" """

MADE_UP = """from fake_run import FakeRun
from owlkit_widgets import Frontend
{run} = FakeRun({arguments})
Frontend.display({run})
{run}.start()
{run}.wait()"""


def look_around(notebook: Notebook, page: Any, shots: Path) -> None:
    """Zoom, cursor, log axis, tooltip, switches and table, while the run stands still."""
    owl = page.locator(".owl").first
    # Drag zooms, the wheel alone does not, the overview appears, a double click resets.
    over = owl.locator(".u-over")
    area = over.bounding_box()
    left, middle, width = area["x"], area["y"] + area["height"] / 2, area["width"]
    page.mouse.move(left + 0.3 * width, middle)
    page.mouse.down()
    page.mouse.move(left + 0.7 * width, middle, steps=4)
    page.mouse.up()
    owl.locator(".overview").wait_for()
    page.mouse.move(left + 0.5 * width, middle)
    page.mouse.click(left + 0.5 * width, middle)
    owl.locator(".cursor-chip.pinned").wait_for()
    page.mouse.move(left + 0.8 * width, middle)
    assert owl.locator(".leg .at").inner_text() == f"at {owl.locator('.cursor-chip').inner_text()}"
    owl.get_by_role("button", name="Logarithmic loss axis").click()
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Learning rate × 0.1").first.hover()
    page.get_by_role("tooltip").first.wait_for()
    assert "Learning rate × 0.1: 0.001 → 0.0001" in page.get_by_role("tooltip").first.inner_text()
    line = owl.locator(".plot .cursor-line").bounding_box()
    assert abs(line["x"] - left - 0.5 * width) < 12, "the pinned cursor is not where it was pinned"
    shoot(page, shots / "zoomed-log-light.png")
    page.keyboard.press("Escape")
    over.dblclick(position={"x": 0.2 * width, "y": 20})
    owl.locator(".overview").wait_for(state="hidden")

    # A curve can be hidden; the table stands in for the chart.
    blue = notebook.ink("test")
    owl.get_by_role("switch", name="test loss").click()
    until(lambda: notebook.ink("test") < 0.4 * blue, "the test loss is hidden")
    owl.get_by_role("switch", name="test loss").click()
    rows = notebook.rows()
    assert int("".join(c for c in rows[0][0] if c.isdigit())) > int(
        "".join(c for c in rows[-1][0] if c.isdigit())
    )
    notebook.theme("Dark")
    owl.get_by_role("button", name="Show as table").click()
    shoot(page, shots / "table-dark.png")
    owl.get_by_role("button", name="Show as table").click()
    notebook.theme("Light")


def test_a_run_is_watched_and_controlled(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "run", [TRAIN])
    notebook.open()
    notebook.command("notebook:run-all-cells")
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    notebook.wait_for_iteration(450)
    assert notebook.kernel_status() == "idle", "the cell has not returned"
    assert notebook.ink("train") > 200
    assert notebook.ink("test") > 20
    assert notebook.ink("acc") > 20
    shoot(page, shots / "running-light.png")

    # Pause answers, and no point comes any more.
    page.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    painted(page)
    paused_at = notebook.iteration()
    time.sleep(0.8)  # two updates of the figures, if there were any
    assert notebook.iteration() == paused_at
    page.get_by_role("button", name="Step one iteration").click()
    notebook.wait_for_iteration(paused_at + 1)
    time.sleep(0.7)  # further ones would be seen by now
    assert notebook.iteration() == paused_at + 1

    # The learning rate changes and leaves a flag.
    purple = notebook.ink("lr")
    page.get_by_role("button", name="Learning rate × 0.1").click()
    page.get_by_text("0.01 → 0.001").wait_for()
    until(lambda: notebook.ink("lr") > purple, "a flag for the learning rate")
    page.keyboard.press("Escape")
    notebook.theme("Dark")
    area = page.locator(".owl .u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.5)
    page.locator(".owl .leg .at", has_text="at ").wait_for()
    shoot(page, shots / "paused-dark.png")
    notebook.theme("Light")
    look_around(notebook, page, shots)

    page.get_by_role("button", name="Resume").click()
    notebook.wait_for_iteration(paused_at + 150)
    rows = notebook.rows()
    assert any("learning rate 0.01 → 0.001" in row[-1] for row in rows), rows
    before = len(rows)

    # Reload: the whole curve is back.
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    painted(page)
    stopped_at, ink = notebook.iteration(), notebook.ink("train")
    notebook.save()
    page.goto(notebook.url)
    page.locator(".owl .uplot canvas").wait_for(timeout=120000)
    assert notebook.wait_for_iteration(stopped_at) == stopped_at
    until(lambda: notebook.ink("train") > 0.8 * ink, "the curve that was there before")
    assert len(notebook.rows()) >= before
    shoot(page, shots / "reloaded-light.png")

    # Keys belong to the monitor while the focus is inside: "s" writes a snapshot and saves no notebook.
    page.locator(".owl .plot").focus()
    page.keyboard.press("s")
    page.get_by_text("snapshot written: lenet_iter_").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard").wait_for()
    shoot(page, shots / "help-light.png")
    page.keyboard.press("Escape")
    page.locator(".owl .plot").focus()
    page.keyboard.press("q")
    page.keyboard.press("Enter")
    notebook.wait_for_state("Stopped")


def test_a_run_ends_as_a_picture(lab: Any, page: Any, shots: Path) -> None:
    calm = "max_iter=700, seconds=0.002, test_interval=100"
    cells = [
        MADE_UP.format(run="run", arguments=calm),
        MADE_UP.format(run="second", arguments=f"{calm}, diverge_at=690"),
        MADE_UP.format(run="third", arguments="max_iter=9000").replace(
            "third.wait()", "import time; time.sleep(1); third.pause()"
        ),
        "idle = FakeRun(max_iter=100000)\nFrontend.display(idle)",
    ]
    notebook = Notebook(lab, page, "ends", cells)
    notebook.open()
    notebook.command("notebook:run-all-cells")
    notebook.wait_for_state("Finished")
    notebook.wait_for_state("Diverged")
    notebook.wait_for_state("Ready")
    painted(page)
    finished, diverged, paused, ready = page.locator(".owl").all()
    assert "First iteration" in ready.get_by_role("list").inner_text()
    ready.scroll_into_view_if_needed()
    painted(page)
    ready.screenshot(path=str(shots / "empty-light.png"))
    assert "NaN first appeared in conv2" in diverged.get_by_role("alert").inner_text()
    finished.screenshot(path=str(shots / "finished-light.png"))
    diverged.screenshot(path=str(shots / "diverged-light.png"))
    assert page.locator(f"{PICTURE}:visible").count() == 0, "the picture stands beside the live monitor"
    notebook.theme("Dark")
    diverged.scroll_into_view_if_needed()
    diverged.screenshot(path=str(shots / "diverged-dark.png"))
    notebook.theme("Light")
    for width, name in ((860, "slim"), (1240, "narrow")):
        page.set_viewport_size({"width": width, "height": 860})
        finished.scroll_into_view_if_needed()
        painted(page)
        finished.screenshot(path=str(shots / f"{name}-light.png"))

    notebook.save()
    saved = json.loads(notebook.path.read_text())
    for cell in saved["cells"][:2]:
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"]), cell["outputs"]
    nbconvert = pytest.importorskip("nbconvert")
    converted, _ = nbconvert.HTMLExporter().from_filename(str(notebook.path))
    assert len(re.findall(r'<figure class="owl-static owl-image-follows" hidden(="")?>', converted)) == 2

    # The kernel goes: the last values stay, the controls do nothing any more.
    paused.scroll_into_view_if_needed()  # nothing is drawn out of sight
    notebook.command("kernelmenu:shutdown")
    notebook.wait_for_state("Disconnected")
    assert paused.get_by_role("button", name="Resume").get_attribute("aria-disabled") == "true"
    paused.scroll_into_view_if_needed()
    painted(page)
    paused.screenshot(path=str(shots / "disconnected-light.png"))

    # Opened again without that kernel, the saved notebook shows the pictures and no complaint about them.
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 2)
    expect_count(page.get_by_text("model not found").locator("visible=true"), 0)
    page.screenshot(path=str(shots / "reopened-light.png"))
