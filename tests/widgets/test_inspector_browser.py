"""The inspector in a real JupyterLab: the graph is drawn and moved, layers are chosen, images looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.widgets.lab_notebook import (
    Notebook,
    accessibility_findings,
    expect_count,
    shoot,
    still,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SQUEEZENET = """import owlkit as owl
from owlkit import zoo
net = owl.Net(zoo.squeezenet(classes=10, batch_size=2), seed=1)
net.save("before.caffemodel")
for layer in ("conv1", "fire5/expand3x3"):
    net.params[layer][0].data[...] *= 1.25
owl.inspect(net, compare="before.caffemodel", labels=[f"owl {i}" for i in range(10)])"""
# A timing that stays at its second pass, and says so, until the test lets it go.
HELD = """import time
from pathlib import Path
from owlkit_widgets.inspector_timing import Stopwatch
progress = Stopwatch._progress
def held(watch):
    tell = progress(watch)
    def told(done, of):
        tell(done, of)
        while done and not Path("time-on").exists():
            time.sleep(0.05)
            tell(done, of)
    return told
Stopwatch._progress = held"""
GOOGLENET = """import owlkit as owl
from owlkit import zoo
owl.inspect(zoo.googlenet(form="train"), phase="train")"""

FOLDED = 12  # cards of GoogLeNet with its stages closed

# How many different colours a canvas has: an empty one has one.
COLOURS = """(canvas) => {
  const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
  return seen.size; }"""
# How many pairs of cards lie over each other.
CLASHES = """(root) => {
  const cards = [...root.querySelectorAll('.card')].map((c) => c.getBoundingClientRect());
  let n = 0;
  cards.forEach((a, i) => cards.forEach((b, j) => {
    const beside = a.left > b.right - 1 || b.left > a.right - 1;
    if (i < j && !beside && a.top < b.bottom - 1 && b.top < a.bottom - 1) n++;
  }));
  return n; }"""


def photograph(folder: Path) -> Path:
    """Something with edges and colours."""
    y, x = np.mgrid[0:240, 0:320] / 40
    planes = [np.sin(3 * x) * np.cos(2 * y), np.sin(x * y / 2), np.cos(x + y)]
    path = folder / "owl.png"
    Image.fromarray((127 + 120 * np.stack(planes, -1)).astype(np.uint8)).save(path)
    return path


def texts(owl: Any, selector: str) -> list[str]:
    found: list[str] = owl.locator(selector).all_inner_texts()
    return found


def drop_file(page: Any, path: Path) -> None:
    """As a person would who drags a file from the desktop."""
    page.evaluate(
        """([bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "owl.png", { type: "image/png" }));
          const root = document.querySelector(".owl.insp .body");
          for (const type of ["dragenter", "dragover", "drop"])
            root.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
        }""",
        [list(path.read_bytes())],
    )


def test_a_net_with_weights(lab: Any, page: Any, shots: Path, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1300})
    notebook = Notebook(lab, page, "squeezenet", [HELD, SQUEEZENET])
    notebook.open()
    notebook.run_to_the_end()
    owl = page.locator(".owl.insp").first
    owl.locator(".card").first.wait_for(timeout=60000)
    expect_count(owl.locator(".card"), 14)
    until(lambda: owl.evaluate(CLASHES) == 0, "no card lies over another")
    a_row(owl)
    timed(lab, owl)
    an_image(page, owl, photograph(tmp_path), shots)
    as_it_was_left(notebook, owl, shots)
    without_a_kernel(notebook, shots)


def a_row(owl: Any) -> None:
    """Its details and its histogram; the table is sorted by any column."""
    owl.get_by_role("button", name="moved", exact=True).click()
    rows = owl.locator("tbody tr")
    until(lambda: rows.first.inner_text().startswith("conv1"), "what moved most comes first")
    assert "25.0" in rows.first.inner_text()
    rows.nth(1).click()
    owl.locator("h3", has_text="fire5/expand3x3").wait_for()
    owl.locator(".moved", has_text="cosine 1.000").wait_for()
    until(lambda: owl.locator(".weights canvas").evaluate(COLOURS) > 2, "the histogram")


def timed(lab: Any, owl: Any) -> None:
    """On request: a column to sort by, the share of the chosen one. Meanwhile a slow click counts too."""
    expect_count(owl.get_by_role("button", name="fwd ms", exact=True), 0)
    phase = owl.get_by_role("radio", name="test")
    phase.evaluate("(button) => { button.marked = true; }")
    owl.get_by_role("button", name="Time the layers").click()
    owl.get_by_role("button", name="Stop timing").wait_for()
    owl.locator("tbody tr", has_text="fire9").first.click(delay=500)
    owl.locator("h3", has_text="fire9").wait_for(timeout=60000)
    (lab.folder / "time-on").touch()
    owl.locator(".took").wait_for(timeout=120000)
    assert phase.evaluate("(button) => button.marked"), "a click on it would have been lost"
    owl.locator(".took .h4r", has_text="with 2 images").wait_for()
    owl.get_by_role("button", name="share", exact=True).click()
    owl.locator('th[aria-sort="descending"]', has_text="share").wait_for()
    owl.locator(".foot", has_text="medians of").wait_for()


def an_image(page: Any, owl: Any, path: Path, shots: Path) -> None:
    """One that is dropped is classified, and every blob can be looked at."""
    drop_file(page, path)
    expect_count(owl.locator(".bars .one .lab"), 5)
    assert texts(owl, ".bars .lab")[0].startswith("owl ")
    owl.locator(".blob canvas").wait_for()
    until(lambda: owl.locator(".blob canvas").evaluate(COLOURS) > 10, "the blob is painted")
    owl.locator('.card [data-key="conv1"]').click()
    owl.locator("h3", has_text="conv1").wait_for()
    owl.locator("select[aria-label='Blob to look at']").select_option("conv1")
    owl.locator(".blob h4", has_text="Blob conv1").wait_for()
    shoot(owl, shots / "inspector-squeezenet-light.png")
    assert not accessibility_findings(page, ".owl.insp")


def as_it_was_left(notebook: Notebook, owl: Any, shots: Path) -> None:
    """A page that is loaded again shows the same."""
    page = notebook.page
    notebook.save()
    notebook.reload()
    owl.locator(".card.sel", has_text="conv1").wait_for(timeout=60000)
    expect_count(page.locator(".owl-static:visible"), 0)
    owl.locator(".blob h4", has_text="Blob conv1").wait_for()
    assert "share" in owl.locator('th[aria-sort="descending"]').inner_text()
    owl.locator(".took").wait_for()
    expect_count(owl.locator(".bars .one"), 5)
    notebook.theme("Dark")
    shoot(owl, shots / "inspector-squeezenet-dark.png")
    assert not accessibility_findings(page, ".owl.insp")
    notebook.theme("Light")


def without_a_kernel(notebook: Notebook, shots: Path) -> None:
    """The saved notebook still shows graph and table."""
    page = notebook.page
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(".owl-static svg").wait_for(timeout=60000)
    expect_count(page.get_by_text("model not found").locator("visible=true"), 0)
    page.screenshot(path=str(shots / "inspector-reopened-light.png"))


def test_a_net_with_branches(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1300})
    notebook = Notebook(lab, page, "googlenet", [GOOGLENET])
    notebook.open()
    notebook.run_to_the_end()
    owl = page.locator(".owl.insp").first
    owl.locator(".card").first.wait_for(timeout=60000)
    expect_count(owl.locator(".card"), FOLDED)
    stages_are_opened(page, owl, shots)
    notebook.theme("Dark")
    shoot(owl, shots / "inspector-googlenet-dark.png")
    notebook.theme("Light")
    wheel_and_zoom(page, owl)
    the_other_phase(page, owl)


def stages_are_opened(page: Any, owl: Any, shots: Path) -> None:
    """By their button, and by keys alone."""
    owl.get_by_role("button", name="Open inception_3", exact=True).click()
    owl.locator(".frame", has_text="inception_3").first.wait_for()
    owl.get_by_role("button", name="Open inception_3a", exact=True).click()
    owl.locator('.card [data-key="inception_3a/5x5_reduce"]').wait_for()
    expect_count(owl.locator(".card"), FOLDED + 8)
    until(lambda: owl.evaluate(CLASHES) == 0, "no card lies over another")
    owl.locator('.card [data-key="inception_3a/3x3"]').click()
    owl.locator("h3", has_text="inception_3a/3x3").wait_for()
    shoot(owl, shots / "inspector-googlenet-light.png")
    page.keyboard.press("ArrowRight")
    owl.locator("h3", has_text="inception_3a/output").wait_for()
    page.keyboard.press("ArrowRight")
    owl.locator("h3", has_text="inception_3b").wait_for()
    page.keyboard.press("Enter")
    owl.locator('.card [data-key="inception_3b/1x1"]').wait_for()
    assert not accessibility_findings(page, ".owl.insp")


def wheel_and_zoom(page: Any, owl: Any) -> None:
    """The wheel alone scrolls the notebook; a button zooms. What is out of sight is in the small map."""
    stage = owl.locator(".stage")
    owl.locator(".graph").hover()
    still(owl.locator(".card").first)
    before = stage.get_attribute("style")
    page.mouse.wheel(0, 30)
    assert stage.get_attribute("style") == before
    owl.get_by_role("button", name="Zoom in").click()
    until(lambda: stage.get_attribute("style") != before, "it is zoomed")
    until(lambda: owl.locator(".mini canvas").evaluate(COLOURS) > 3, "the small map")


def the_other_phase(page: Any, owl: Any) -> None:
    """It measures accuracy."""
    owl.get_by_role("radio", name="test").click()
    owl.locator("tbody tr", has_text="loss3/top-5").wait_for(state="attached")
    owl.get_by_role("searchbox", name="Find a layer").fill("5x5")
    page.wait_for_function("() => document.querySelectorAll('.owl.insp tbody tr').length === 18")
