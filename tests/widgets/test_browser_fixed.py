"""Fine-tuning in a real JupyterLab: layers that are fixed, and names that are too long for their column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook, accessibility_findings, shoot, still, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELL = """import owlkit_widgets.sampler as sampler
sampler.PERIOD, sampler.SHARE = 0.04, 1.0
from fake_run import FakeRun
from fake_net import FakeSolver, googlenet, squeezenet
from owlkit_widgets import Frontend
def tuned(name, names):
    solver = FakeSolver(names, (64, 3, 7, 7), lambda layer, i: -1.5, fixed=names[:-1])
    run = FakeRun(name, max_iter=300, seconds=0.0, solver=solver)
    Frontend.display(run)
    run.start().wait()"""
# Share of the strips' pixels from a height on, so many high, that are painted at all.
PAINTED = """([at, tall]) => {
  const c = document.querySelector('.owl .strips'), k = devicePixelRatio;
  const d = c.getContext('2d').getImageData(0, at * k, c.width, tall * k).data;
  let n = 0;
  for (let i = 3; i < d.length; i += 4) n += d[i] > 0;
  return n / (d.length / 4); }"""


def test_fixed_layers_and_long_names(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1400})
    notebook = Notebook(lab, page, "fixed", [CELL, "tuned('squeezenet', squeezenet())"])
    notebook.open()
    notebook.run_all()
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    notebook.wait_for_state("Finished")
    owl = page.locator(".owl").first
    chip = owl.locator(".chip", has_text="▲ conv10 hot")
    chip.wait_for()
    assert chip.get_attribute("title").startswith("conv10 is the only layer that learns")
    owl.locator(".layers .sum", has_text="1 of 26 learns").wait_for()
    owl.locator(".cbar .still", has_text="fixed (lr_mult 0)").wait_for()
    rows = owl.locator(".lrow")
    until(lambda: rows.nth(1).locator(".ratio").inner_text() == "fixed", "the second layer is fixed")
    still(owl)
    step = rows.first.bounding_box()["height"]

    def share(k: int) -> float:
        """Of the strip of the k-th layer, what is painted."""
        return float(page.evaluate(PAINTED, [2 + k * step + 3, step - 6]))

    until(lambda: share(5) < 0.15 < 0.8 < share(25), "a strip that is empty, and one that is not")

    # Names are cut where they say least; whole they are in a tip, and for screen readers.
    written = owl.locator(".lrow .n").all_inner_texts()
    assert len(set(written)) == 26, written
    fit = "(names) => names.map((name) => name.scrollWidth <= name.clientWidth)"
    assert all(owl.locator(".lrow .n").evaluate_all(fit))
    name = owl.locator(".lrow .n").nth(1)
    assert name.get_attribute("aria-label") == "fire2/squeeze1x1"
    assert name.get_attribute("title").startswith("fire2/squeeze1x1: ")
    assert owl.locator(".layers .chips").evaluate("(all) => all.scrollWidth <= all.clientWidth")
    assert accessibility_findings(page) == []
    shoot(owl, shots / "fixed-light.png")
    notebook.theme("Dark")
    shoot(owl, shots / "fixed-dark.png")
