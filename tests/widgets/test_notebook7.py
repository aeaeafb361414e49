"""The widgets in Notebook 7, which the same server shows under /notebooks: painted, and run by its menus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import INK, Notebook, painted, run_all_in_notebook_7, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

# By the class of a widget's root: its call, and a canvas of it.
FURTHER = {
    "insp": ("owl.inspect(stripes)", ".weights canvas"),
    "fv": ("owl.show_filters(stripes, 'conv1')", ".fv-mosaic canvas"),
    "act": ("owl.show_activations(halves(), picture(), 'relu')", ".lk-right canvas"),
    "drv": ("owl.show_saliency(halves(), picture(), 'ip', 0)", "canvas"),
    "pt": ("owl.show_top_patches(run.net, digits, 'conv2', prepare=PREPARE)", ".pt-mosaic canvas"),
    "em": ("owl.show_embedding(run.net, digits, 'fc1', prepare=PREPARE, limit=60)", ".em-plot canvas"),
}
PREPARED = """from filter_net import planted
from look_net import halves, picture
from digits_net import PREPARE
stripes, digits = planted(), owl.datasets.digits('test')"""
CELLS = [
    "import owlkit as owl, lenet_digits\nrun = owl.train(lenet_digits.solver(max_iter=300), name='lenet')",
    "run.wait()\nfrom gradient_nets import small\nreport = owl.check_gradients(small('HastySoftsign'))",
    PREPARED,
    *(call for call, _ in FURTHER.values()),
]
PAINTED = """([name, selector]) => {
  const c = document.querySelector(`.owl.${name} ${selector}`);
  if (!c?.width) return false;
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
  return seen.size > 1; }"""


def test_every_widget(lab: Any, page_of_notebook_7: Any, shots: Path) -> None:
    page = page_of_notebook_7
    lab.begin(Notebook(lab, page, "seven", CELLS).path.name)
    page.goto(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60000)
    assert not page.locator(".jp-SideBar .lm-TabBar-tab").first.is_visible(), "this is JupyterLab"
    run_all_in_notebook_7(page)
    monitor_and_gradient_check(page, shots)
    for name, (_, canvas) in FURTHER.items():
        looked_at(page, name, canvas)
        page.screenshot(path=str(shots / f"notebook7-{name}.png"))


def looked_at(page: Any, name: str, canvas: str) -> None:
    """One of the widgets in sight: painted, and it answers a click."""
    owl = page.locator(f".owl.{name}")
    owl.wait_for(timeout=60000)
    owl.scroll_into_view_if_needed()
    if name == "insp":
        owl.locator('.card [data-key="conv1"]').click()
    page.wait_for_function(PAINTED, arg=[name, canvas], timeout=60000)
    owl.get_by_role("button", name="Keyboard help").click()
    help = owl.get_by_role("dialog", name="Keyboard")
    help.wait_for()
    page.keyboard.press("Escape")
    help.wait_for(state="hidden")


def monitor_and_gradient_check(page: Any, shots: Path) -> None:
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    page.locator(".owl .pill", has_text="Finished").wait_for(timeout=90000)
    until(lambda: page.evaluate(INK, "train") > 200, "the curve")
    page.locator(".owl.grd .pill", has_text="1 wrong").wait_for(timeout=60000)
    page.locator(".jp-InputPrompt", has_text="[2]:").wait_for()
    page.locator(".owl.grd").scroll_into_view_if_needed()
    painted(page)
    assert "backward gives" not in page.locator(".owl.grd .faults").inner_text()
    assert page.locator(".owl.grd .blobs canvas").first.bounding_box()["width"] > 20
    page.screenshot(path=str(shots / "notebook7-light.png"))

    # What needs the front end's help works here too.
    page.locator(".owl.grd").get_by_role("button", name="New cell").click()
    count = len(CELLS) + 1
    page.wait_for_function(
        "(n) => document.querySelectorAll('.jp-Notebook .jp-Cell').length === n", arg=count
    )
    assert 'layers=["act"]' in page.locator(".jp-Notebook .jp-Cell").nth(2).inner_text()
