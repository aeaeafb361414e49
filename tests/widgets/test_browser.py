"""The monitor in a real JupyterLab: painted, controlled, reloaded, and no request leaves the machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, drag, expect_count, shoot, standing, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

TRAIN = """import owlkit as owl
from lenet_digits import solver
run = owl.train(solver(max_iter=100000, test_interval=25), name="lenet")
"the cell has returned" """

MADE_UP = """import owlkit_widgets.run_view as view
view.FIRST_PICTURE = 1e6  # seconds: none of a run that has not ended
from fake_run import FakeRun
from owlkit_widgets import Frontend
{run} = FakeRun({arguments})
Frontend.display({run})
{run}.start()
{run}.wait()"""
# The page waits for ten seconds without a word, and a kernel that is there speaks every three: with a clock
# that goes three times as fast, both still hold.
FASTER = """() => {
  const now = performance.now.bind(performance), start = now();
  performance.now = () => start + 3 * (now() - start); }"""


def test_a_run_is_watched_and_controlled(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "run", [TRAIN])
    notebook.open()
    notebook.run_to_the_end()
    owl = page.locator(".owl").first
    watch(notebook, owl, shots)
    pause_and_step(notebook, owl)
    lower_the_rate(notebook, owl, shots)
    zoom_and_pin(notebook, owl, shots)
    hide_a_curve_and_show_the_table(notebook, owl, shots)
    go_on_and_reload(notebook, owl, shots)
    by_keys(notebook, owl, shots)


def watch(notebook: Notebook, owl: Any, shots: Path) -> None:
    """The cell has returned, and the curves are painted."""
    owl.locator(".uplot canvas").wait_for(timeout=60000)
    notebook.wait_for_iteration(150)
    assert notebook.kernel_status() == "idle", "the cell has not returned"
    for curve, least in (("train", 200), ("test", 20), ("acc", 20)):
        until(lambda curve=curve, least=least: notebook.ink(curve) > least, f"the curve {curve}")
    shoot(owl, shots / "running-light.png")


def pause_and_step(notebook: Notebook, owl: Any) -> None:
    """Pause answers, and no point comes any more; a step is one iteration."""
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    paused_at = notebook.standing_iteration()
    owl.get_by_role("button", name="Step one iteration").click()
    notebook.wait_for_iteration(paused_at + 1)
    assert notebook.standing_iteration() == paused_at + 1


def lower_the_rate(notebook: Notebook, owl: Any, shots: Path) -> None:
    """The learning rate changes and leaves a flag."""
    purple = notebook.ink("lr")
    owl.get_by_role("button", name="Learning rate × 0.1").click()
    owl.get_by_text("0.01 → 0.001").wait_for()
    until(lambda: notebook.ink("lr") > purple, "a flag for the learning rate")
    notebook.page.keyboard.press("Escape")
    notebook.theme("Dark")
    area = standing(owl.locator(".u-over"))
    notebook.page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.5)
    owl.locator(".leg .at", has_text="at ").wait_for()
    shoot(owl, shots / "paused-dark.png")
    notebook.theme("Light")


def zoom_and_pin(notebook: Notebook, owl: Any, shots: Path) -> None:
    """Drag zooms, the overview appears, a click pins the cursor, a double click shows all again."""
    page, over = notebook.page, owl.locator(".u-over")
    left, middle, width = drag(page, over, 0.3, 0.7)
    owl.locator(".overview").wait_for()
    standing(over)
    page.mouse.move(left + 0.5 * width, middle)
    page.mouse.click(left + 0.5 * width, middle)
    owl.locator(".cursor-chip.pinned").wait_for()
    page.mouse.move(left + 0.8 * width, middle)
    said, chip = owl.locator(".leg .at"), owl.locator(".cursor-chip")
    until(lambda: said.inner_text() == f"at {chip.inner_text()}", "the legend reads out the pinned place")
    owl.get_by_role("button", name="Logarithmic loss axis").click()
    page.mouse.move(5, 5)
    owl.get_by_role("button", name="Learning rate × 0.1").hover()
    owl.get_by_role("tooltip").filter(has_text="Learning rate × 0.1: 0.001 → 0.0001").wait_for()
    line = standing(owl.locator(".plot")) and owl.locator(".plot .cursor-line").bounding_box()
    assert abs(line["x"] - left - 0.5 * width) < 12, "the pinned cursor is not where it was pinned"
    shoot(owl, shots / "zoomed-log-light.png")
    page.keyboard.press("Escape")
    over.dblclick(position={"x": 0.2 * width, "y": 20})
    owl.locator(".overview").wait_for(state="hidden")


def hide_a_curve_and_show_the_table(notebook: Notebook, owl: Any, shots: Path) -> None:
    """A curve can be hidden; the table stands in for the chart."""
    blue = notebook.ink("test")
    owl.get_by_role("switch", name="test loss").click()
    until(lambda: notebook.ink("test") < 0.4 * blue, "the test loss is hidden")
    owl.get_by_role("switch", name="test loss").click()
    rows = notebook.rows()
    newest, oldest = (int("".join(c for c in row[0] if c.isdigit())) for row in (rows[0], rows[-1]))
    assert newest > oldest
    notebook.theme("Dark")
    owl.get_by_role("button", name="Show as table").click()
    owl.locator(".tab tbody tr").first.wait_for()
    shoot(owl, shots / "table-dark.png")
    owl.get_by_role("button", name="Show as table").click()
    notebook.theme("Light")


def go_on_and_reload(notebook: Notebook, owl: Any, shots: Path) -> None:
    """It goes on where it stood; after a reload the whole curve is back."""
    page, paused_at = notebook.page, notebook.iteration()
    owl.get_by_role("button", name="Resume").click()
    notebook.wait_for_iteration(paused_at + 60)
    rows = notebook.rows()
    assert any("learning rate 0.01 → 0.001" in row[-1] for row in rows), rows
    page.mouse.move(5, 5)
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    stopped_at, ink = notebook.standing_iteration(), notebook.ink("train")
    notebook.save()
    notebook.reload()
    owl.locator(".uplot canvas").wait_for(timeout=120000)
    assert notebook.wait_for_iteration(stopped_at) == stopped_at
    until(lambda: notebook.ink("train") > 0.8 * ink, "the curve that was there before")
    assert len(notebook.rows()) >= len(rows)
    shoot(owl, shots / "reloaded-light.png")


def by_keys(notebook: Notebook, owl: Any, shots: Path) -> None:
    """Keys belong to the monitor while the focus is inside: "s" writes a snapshot and saves no notebook."""
    press = notebook.page.keyboard.press
    owl.locator(".plot").focus()
    press("s")
    owl.get_by_text("snapshot written: lenet_iter_").wait_for()
    press("?")
    owl.get_by_role("dialog", name="Keyboard").wait_for()
    shoot(owl, shots / "help-light.png")
    press("Escape")
    owl.locator(".plot").focus()
    press("q")
    press("Enter")
    notebook.wait_for_state("Stopped")


def test_a_run_ends_as_a_picture(lab: Any, page: Any, shots: Path) -> None:
    calm = "max_iter=700, seconds=0.002, test_interval=100"
    cells = [
        MADE_UP.format(run="run", arguments=calm),
        MADE_UP.format(run="second", arguments=f"{calm}, diverge_at=690"),
        MADE_UP.format(run="third", arguments="max_iter=100000").replace(
            "third.wait()", "import time; time.sleep(1); third.pause()"
        ),
        "idle = FakeRun(max_iter=100000)\nFrontend.display(idle)",
    ]
    notebook = Notebook(lab, page, "ends", cells)
    notebook.open()
    notebook.run_to_the_end()
    for state in ("Finished", "Diverged", "Paused", "Ready"):
        notebook.wait_for_state(state)
    page.locator(PICTURE).nth(1).wait_for(state="attached", timeout=60000)  # of the two that have ended
    four_states(notebook, shots)
    saved_and_converted(notebook)
    without_a_kernel(notebook, page.locator(".owl").nth(2), shots)


def four_states(notebook: Notebook, shots: Path) -> None:
    """Each looks like what it is, and no picture stands beside a live monitor."""
    page = notebook.page
    expect_count(page.locator(".owl"), 4)
    finished, diverged, _, ready = page.locator(".owl").all()
    ready.get_by_role("list").filter(has_text="First iteration").wait_for()
    shoot(ready, shots / "empty-light.png")
    assert "NaN first appeared in conv2" in diverged.get_by_role("alert").inner_text()
    shoot(finished, shots / "finished-light.png")
    shoot(diverged, shots / "diverged-light.png")
    assert page.locator(f"{PICTURE}:visible").count() == 0, "the picture stands beside the live monitor"
    notebook.theme("Dark")
    shoot(diverged, shots / "diverged-dark.png")
    notebook.theme("Light")
    for width, name in ((860, "slim"), (1240, "narrow")):
        page.set_viewport_size({"width": width, "height": 860})
        shoot(finished, shots / f"{name}-light.png")


def saved_and_converted(notebook: Notebook) -> None:
    """Both pictures are in the file, once each, and in the page that nbconvert makes of it."""
    notebook.save()
    saved = json.loads(notebook.path.read_text())
    for cell in saved["cells"][:2]:
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"]), cell["outputs"]
    nbconvert = pytest.importorskip("nbconvert")
    converted, _ = nbconvert.HTMLExporter().from_filename(str(notebook.path))
    assert len(re.findall(r'<figure class="owl-static owl-image-follows" hidden(="")?>', converted)) == 2


def without_a_kernel(notebook: Notebook, paused: Any, shots: Path) -> None:
    """The kernel goes: the last values stay, the controls rest. Opened again, there are the pictures."""
    page = notebook.page
    paused.scroll_into_view_if_needed()  # nothing is drawn out of sight
    notebook.command("kernelmenu:shutdown")
    page.evaluate(FASTER)
    paused.locator(".pill", has_text="Disconnected").wait_for(timeout=60000)
    paused.locator('button[data-act="main"][aria-disabled="true"]', has_text="Resume").wait_for()
    shoot(paused, shots / "disconnected-light.png")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 2)
    expect_count(page.get_by_text("model not found").locator("visible=true"), 0)
    page.screenshot(path=str(shots / "reopened-light.png"))
