"""The panels beneath the chart in a real JupyterLab: layers, filters, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import (
    PICTURE,
    Notebook,
    accessibility_findings,
    expect_count,
    shoot,
    standing,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SETUP = """import owlkit_widgets.sampler as sampler
sampler.PERIOD, sampler.FILTERS_PERIOD, sampler.SHARE = 0.04, 0.2, 1.0
from fake_run import FakeRun
from fake_net import CAFFENET, FakeSolver, resnet152
from owlkit_widgets import Frontend"""

CAFFE = """usual = (-3.3, -2.9, -3.5, -3.9, -3.1, -3.4, -3.4, -3.8)
course = lambda layer, i: usual[layer] - 1.8 * (layer == 5 and i > 250)
solver = FakeSolver(CAFFENET, (96, 3, 11, 11), course)
solver.goal[13] *= 0.001
solver.noise[13] *= 0.001
solver.goal[62], solver.noise[62] = 1.04 * solver.goal[26], 1.04 * solver.noise[26]
run = FakeRun("caffenet", max_iter=100000, seconds=0.002, test_interval=100, solver=solver,
              test_nets=("val", "holdout"))
Frontend.display(run)
run.start()
"the cell has returned" """

RESNET = """deep = FakeRun("resnet152", max_iter=700, seconds=0.0, solver=FakeSolver(
    resnet152(), (64, 3, 7, 7), lambda layer, i: -3.2 + 2.0 * (layer in (118, 119) and i > 200)))
Frontend.display(deep)
deep.start()
deep.wait()"""

# Checksum of what a canvas shows, and how many of its pixels are painted.
CANVAS = """(selector) => {
  const c = document.querySelector(selector);
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0, painted = 0;
  for (let i = 0; i < d.length; i += 4) {
    sum = (sum * 31 + d[i] + 7 * d[i + 1] + 13 * d[i + 2]) % 1000003;
    painted += d[i + 3] > 0;
  }
  return [sum, painted / (c.width * c.height)]; }"""
STRIPS, TILES = ".owl .strips", ".owl .mo canvas"


def names(owl: Any) -> list[str]:
    """Names of the rows of the layers panel."""
    found: list[str] = owl.locator(".lrow .n").all_inner_texts()
    return found


def test_layers_and_filters(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1400})
    notebook = Notebook(lab, page, "panels", [SETUP, CAFFE])
    notebook.open()
    notebook.run_to_the_end()
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    owl = page.locator(".owl").first
    owl.locator(".chip", has_text="fc6 frozen").wait_for(timeout=120000)
    notebook.wait_for_iteration(700, timeout=120)
    page.keyboard.press("Escape")
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    notebook.standing_iteration()
    as_they_come(page, owl, shots)
    one_cursor(notebook, owl)
    sorted_and_opened(page, owl)
    histograms(notebook, owl)
    filters_over_time(notebook, owl, shots)
    as_a_table(owl)
    as_it_was_left(notebook, owl)


def as_they_come(page: Any, owl: Any, shots: Path) -> None:
    """On a first run both panels are open; strips and tiles are painted."""
    assert [b.get_attribute("aria-expanded") for b in owl.locator(".disc").all()] == ["true", "true"]
    until(lambda: page.evaluate(CANVAS, STRIPS)[1] > 0.3, "strips that are painted")
    until(lambda: page.evaluate(CANVAS, TILES)[1] > 0.5, "tiles that are painted")
    assert names(owl) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    expect_count(owl.locator(".chip", has_text="∅ 1 dead"), 1)
    expect_count(owl.locator(".chip", has_text="= 1 duplicate pair"), 1)
    expect_count(owl.get_by_role("switch", name="test loss holdout"), 1)
    assert ratio_of(owl, "fc6") < -4.5
    assert accessibility_findings(page) == []
    shoot(owl, shots / "panels-light.png")


def ratio_of(owl: Any, layer: str) -> float:
    """log10 of a layer's update over its weights, as its row says."""
    return float(owl.locator(".lrow", has_text=layer).locator(".ratio").inner_text().replace("−", "-"))


def one_cursor(notebook: Notebook, owl: Any) -> None:
    """Over the strips it is the chart's, and the values are those of that time: of before iteration 250."""
    page, strips = notebook.page, standing(owl.locator(".strips"))
    page.mouse.move(strips["x"] + 100 / notebook.iteration() * strips["width"], strips["y"] + 40)
    owl.locator(".leg .at", has_text="at ").wait_for()
    until(lambda: ratio_of(owl, "fc6") > -4.5, "the ratio before it froze")
    page.mouse.move(5, 5)


def sorted_and_opened(page: Any, owl: Any) -> None:
    """Other norms, sorted, with their parameters, by keys."""
    ratio = page.evaluate(CANVAS, STRIPS)
    owl.get_by_role("radio", name="weight", exact=True).click()
    until(lambda: page.evaluate(CANVAS, STRIPS) != ratio, "strips of other norms")
    owl.get_by_role("button", name="Sort by norm of the weight").click()
    until(lambda: names(owl)[0] == "fc6", "fc6 comes first")
    owl.locator(".lrow").first.focus()
    page.keyboard.press("Enter")
    owl.locator(".lrow", has_text="bias").wait_for()
    assert names(owl)[:4] == ["fc6", "bias", "activations", "gradients"]
    owl.get_by_role("radio", name="update : weight").click()


def histograms(notebook: Notebook, owl: Any) -> None:
    """Those of the open layer come with the next samples."""
    owl.get_by_role("button", name="Resume").click()
    owl.locator(".told", has_text="% zero").wait_for()
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    notebook.standing_iteration()


def filters_over_time(notebook: Notebook, owl: Any, shots: Path) -> None:
    """The slider is the cursor."""
    page = notebook.page
    now = page.evaluate(CANVAS, TILES)
    owl.get_by_role("slider", name="Training time of the filters").focus()
    page.keyboard.press("Home")
    until(lambda: page.evaluate(CANVAS, TILES) != now, "the first filters")
    expect_count(owl.locator(".cursor-chip.pinned"), 1)
    page.keyboard.press("End")
    until(lambda: page.evaluate(CANVAS, TILES) == now, "the last filters")
    owl.get_by_role("radio", name="shared").click()
    until(lambda: page.evaluate(CANVAS, TILES) != now, "filters on a shared scale")
    owl.get_by_role("option", name="filter 62, duplicate").hover(force=True)
    owl.locator(".fil .words", has_text="= #26").wait_for()
    notebook.theme("Dark")
    page.mouse.move(5, 5)
    shoot(owl, shots / "panels-dark.png")
    assert accessibility_findings(page) == []
    notebook.theme("Light")


def as_a_table(owl: Any) -> None:
    owl.get_by_role("button", name="Show as table").click()
    expect_count(owl.get_by_role("table", name="Norms of all parameters, latest").locator("tbody tr"), 16)
    expect_count(owl.get_by_role("table", name="Filters of conv1").locator("tbody tr"), 96)
    owl.get_by_role("button", name="Show as table").click()


def as_it_was_left(notebook: Notebook, owl: Any) -> None:
    """What was changed is still so after a reload."""
    page = notebook.page
    owl.locator(".disc", has_text="Filters").click()
    owl.locator(".filters .mini").wait_for()
    notebook.save()
    notebook.reload()
    page.locator(".owl .uplot canvas").wait_for(timeout=120000)
    until(lambda: names(page.locator(".owl").first)[:3] == ["fc6", "bias", "activations"], "as it was left")
    assert [b.get_attribute("aria-expanded") for b in page.locator(".owl .disc").all()] == ["true", "false"]
    page.locator(".owl .told").first.filter(has_text="% zero").wait_for()
    until(lambda: page.evaluate(CANVAS, STRIPS)[1] > 0.3, "strips that are painted")


def test_a_net_of_many_layers(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1500})
    notebook = Notebook(lab, page, "deep", [SETUP, RESNET])
    notebook.open()
    notebook.run_to_the_end()
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    notebook.wait_for_state("Finished")
    owl = page.locator(".owl").first
    owl.locator(".chip", has_text="▲ 2 hot").wait_for()
    until(lambda: names(owl)[:2] == ["res4.27.1", "res4.27.2"], "the hot layers have rows")
    until(lambda: "res4 109" in owl.locator(".stages").inner_text(), "the stages are named")
    lens = owl.get_by_role("slider", name="Layer under the lens")
    lens.focus()
    page.keyboard.press("Home")
    until(lambda: "conv1" in (lens.get_attribute("aria-valuetext") or ""), "the first layer under the lens")
    strips = standing(owl.locator(".strips"))
    page.mouse.move(strips["x"] + 300, strips["y"] + strips["height"] - 17)
    until(lambda: "fc" in lens.inner_text(), "the last layer under the lens")
    assert accessibility_findings(page) == []
    page.mouse.move(strips["x"] + 300, strips["y"] + 220)
    shoot(owl, shots / "deep-light.png")
    page.locator(PICTURE).first.wait_for(state="attached")
