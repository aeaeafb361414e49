"""Top patches in a real JupyterLab: units are walked, patches chosen, the search is stopped and goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, accessibility_findings, expect_count, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = [
    "import owlkit as owl\nfrom digits_net import PREPARE, trained\nnet = trained()",
    "found = owl.show_top_patches(net, owl.datasets.digits('test'), 'conv2', prepare=PREPARE)\nfound",
    "print('images:', found.images, 'patches:', len(found.patches[0]))",
]
SHADES = """(canvas) => {
  const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
  return seen.size; }"""


def wait_for_unit(page: Any, unit: int) -> None:
    """Until the patches of the unit are painted."""
    page.wait_for_function(
        "(unit) => document.querySelector('.pt-left .lk-number')?.textContent === `unit ${unit}`"
        " && /fires|silent/.test(document.querySelector('.pt-left .tick').textContent)",
        arg=unit,
        timeout=120000,
    )


def test_units_are_walked_and_the_search_is_stopped(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "patches", CELLS)
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.pt")
    page.wait_for_function(
        "() => document.querySelector('.owl.pt .fig .v')?.textContent === '360'", timeout=90000
    )
    wait_for_unit(page, 0)
    assert owl.count() == 1, "the value of the cell is not shown beside the widget"
    assert "50 units" in owl.locator(".hd").inner_text()
    expect_count(owl.locator(".pt-tiles [data-unit]"), 50)
    until(lambda: owl.locator(".pt-mosaic canvas").evaluate(SHADES) > 50, "tiles that are painted")
    until(lambda: owl.locator(".pt-patch canvas").first.evaluate(SHADES) > 5, "a patch that is painted")
    page.get_by_text("images: 360 patches: 9").wait_for(timeout=60000)
    units_are_chosen(page, owl)
    patches_are_chosen(page, owl)
    in_both_themes(notebook, owl, shots)
    another_layer(notebook, owl, shots)
    without_a_kernel(notebook)


def units_are_chosen(page: Any, owl: Any) -> None:
    """By a click and by keys."""
    owl.locator('.pt-tiles [data-unit="20"]').click()
    wait_for_unit(page, 20)
    page.keyboard.press("ArrowRight")
    wait_for_unit(page, 21)
    page.keyboard.press("End")
    wait_for_unit(page, 49)
    page.keyboard.press("Home")
    wait_for_unit(page, 0)
    values = [float(t.replace("\u2212", "-")) for t in owl.locator(".pt-cap .m").all_inner_texts()]
    assert values == sorted(values, reverse=True)


def patches_are_chosen(page: Any, owl: Any) -> None:
    """By their numbers; and the units are put in order."""
    page.keyboard.press("3")
    third = owl.locator(".pt-patch").nth(2)
    page.wait_for_function("() => document.querySelectorAll('.pt-patch')[2].ariaPressed === 'true'")
    name = third.get_attribute("title")
    assert name is not None
    assert ", label " in name
    assert name in owl.locator(".pt-whole .cap").first.inner_text()
    page.keyboard.press("o")
    page.wait_for_function("() => document.querySelector('.pt-tiles [data-unit]').dataset.unit !== '0'")
    labels = owl.locator(".pt-tiles [data-unit]").evaluate_all("(all) => all.map((o) => o.ariaLabel)")
    answers = [float(t.split("answer ")[1].replace("\u2212", "-")) for t in labels if "answer" in t]
    assert answers == sorted(answers, reverse=True)
    page.keyboard.press("o")
    page.keyboard.press("o")


def in_both_themes(notebook: Notebook, owl: Any, shots: Path) -> None:
    page = notebook.page
    page.mouse.move(5, 5)
    shoot(owl, shots / "patches-made-light.png")
    assert not accessibility_findings(page, ".owl.pt")
    notebook.theme("Dark")
    shoot(owl, shots / "patches-made-dark.png")
    assert not accessibility_findings(page, ".owl.pt")
    notebook.theme("Light")
    page.keyboard.press("t")
    expect_count(owl.locator(".pt-table tbody tr"), 50)
    page.keyboard.press("t")


def another_layer(notebook: Notebook, owl: Any, shots: Path) -> None:
    """The figure; another layer, whose units see the whole image; a reload finds all of it again."""
    page = notebook.page
    with page.expect_download() as download:
        owl.get_by_role("button", name="Figure").click()
    assert download.value.suggested_filename == "conv2-patches.png"
    owl.get_by_label("Layer").select_option("score")
    page.wait_for_function("() => document.querySelectorAll('.pt-tiles [data-unit]').length === 10")
    owl.locator('.pt-tiles [data-unit="7"]').click()
    wait_for_unit(page, 7)
    page.wait_for_function("() => document.querySelector('.owl.pt .fig .v')?.textContent === '360'")
    seven = owl.locator(".pt-patch").first.get_attribute("title")
    assert seven is not None
    assert seven.endswith("label 7")
    notebook.save()
    notebook.reload()
    wait_for_unit(page, 7)
    page.set_viewport_size({"width": 900, "height": 900})
    shoot(owl, shots / "patches-narrow-light.png")


def without_a_kernel(notebook: Notebook) -> None:
    """The saved notebook shows the figure."""
    page = notebook.page
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 1)
    saved = json.loads(notebook.path.read_text())
    assert any("image/png" in output.get("data", {}) for output in saved["cells"][1]["outputs"])


SLOW = """import time
import numpy as np
import owlkit as owl
from filter_net import pictures, planted

class Slow(list):
    def __getitem__(self, index):
        time.sleep(0.02)
        return list.__getitem__(self, index)

many = Slow(list(pictures(8)) * 10000)  # half an hour, on any machine
# Its figure is of few units: beside the search a larger one is drawn for a quarter of a minute.
owl.show_top_patches(planted(), many, 'conv1', [0, 3], prepare=owl.ImageInput(mean=128))"""


def test_a_search_that_is_stopped_keeps_what_it_found_and_goes_on(lab: Any, page: Any) -> None:
    notebook = Notebook(lab, page, "patches_slow", [SLOW])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.pt")
    run = owl.locator('[data-act="run"]')
    run.get_by_text("Stop").wait_for(timeout=60000)
    wait_for_unit(page, 0)
    run.click()
    owl.get_by_text("stopped after").first.wait_for(timeout=60000)
    done = owl.locator(".fig .v").first.inner_text()
    assert 0 < int(done.split(" of ")[0].replace("\u202f", "")) < 80000
    owl.locator('.pt-tiles [data-unit="3"]').click()
    wait_for_unit(page, 3)
    expect_count(owl.locator(".pt-patch:visible"), 9)
    run.click()
    page.wait_for_function(
        "(done) => { const t = document.querySelector('.owl.pt .fig .v')?.textContent;"
        " return parseInt(t) > parseInt(done); }",
        arg=done,
        timeout=60000,
    )
    expect_count(page.locator(PICTURE), 1)  # of what was found
    run.click()
    owl.get_by_text("stopped after").first.wait_for()
