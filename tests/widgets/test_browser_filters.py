"""The filters in a real JupyterLab: painted, ordered, each in detail, found in images, reloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, accessibility_findings, expect_count, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = [
    "import owlkit\nfrom filter_net import pictures, planted\nnet = planted()",
    "owlkit.show_filters(net, 'conv1', images=pictures(), prepare=owlkit.ImageInput(mean=128))",
]

# Colours in the grid's canvas, over the middle of the option of a filter: how many differ.
COLOURS = """(filter) => {
  const grid = document.querySelector('.owl.fv .fv-mosaic'), c = grid.querySelector('canvas');
  const box = grid.querySelector(`[data-filter="${filter}"]`).getBoundingClientRect(), at = c.getBoundingClientRect();
  const k = c.width / at.width, side = box.width * 0.6 * k;
  const d = c.getContext('2d').getImageData((box.x - at.x + box.width * 0.2) * k, (box.y - at.y + box.height * 0.2) * k, side, side).data;
  const seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] >> 3) * 4096 + (d[i + 1] >> 3) * 64 + (d[i + 2] >> 3));
  return seen.size; }"""  # noqa: E501


def wait_for_filter(page: Any, number: int) -> None:
    page.locator(".owl.fv .fv-number").get_by_text(f"#{number}", exact=True).wait_for()


def facts(page: Any) -> dict[str, str]:
    terms, values = (page.locator(f".owl.fv dl {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(terms, values, strict=True))


def first_options(page: Any, count: int) -> list[str]:
    script = "(all, n) => all.slice(0, n).map((o) => o.dataset.filter)"
    found: list[str] = page.eval_on_selector_all(".owl.fv [data-filter]", script, count)
    return found


def test_filters_are_looked_at(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "filters", CELLS)
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.fv")
    owl.locator(".fv-nine button").nth(8).wait_for(timeout=60000)
    assert owl.count() == 1, "the value of the cell is not shown beside the widget"
    assert "48 filters, 3\u202f×\u202f11\u202f×\u202f11, stride 2" in owl.locator(".hd").inner_text()
    assert owl.locator(".fig .v").all_inner_texts()[1:4] == ["1", "1 pair", "1"]
    until(lambda: page.evaluate(COLOURS, 5) > 30, "filters that are painted")
    assert page.evaluate(COLOURS, 13) < 15, "a dead filter is grey"
    filters_are_chosen(page, owl)
    found_in_images(page, owl)
    ordered(page, owl)
    in_both_themes(notebook, owl, shots)
    table_help_and_figure(page, owl, shots)
    another_layer(notebook, owl, shots)
    without_a_kernel(notebook)


def filters_are_chosen(page: Any, owl: Any) -> None:
    """By a click and by keys; what is wrong with one is said in words."""
    owl.locator('[data-filter="20"]').click()
    wait_for_filter(page, 20)
    assert "= duplicate of #33, cosine 1.00" in owl.locator(".fv-facts .chip").inner_text()
    assert facts(page)["nearest"].startswith("#33, cosine 1.00")
    page.keyboard.press("ArrowRight")
    wait_for_filter(page, 21)
    page.keyboard.press("End")
    wait_for_filter(page, 47)


def found_in_images(page: Any, owl: Any) -> None:
    """Where the last filter answers, and in which images most."""
    page.wait_for_function(
        "() => /% of/.test(document.querySelector('.owl.fv dl').innerText)", timeout=120000
    )
    assert (
        owl.locator(".fv-pair canvas").nth(1).get_attribute("aria-label").startswith("Answers of filter 47")
    )
    shade = "(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    pair = owl.locator(".fv-pair canvas")
    until(lambda: pair.nth(0).evaluate(shade) > 30 and pair.nth(1).evaluate(shade) > 10, "image and answers")
    second = owl.locator(".fv-nine button").nth(1)
    second.click()
    page.wait_for_function("() => document.querySelectorAll('.fv-nine button')[1].ariaPressed === 'true'")


def ordered(page: Any, owl: Any) -> None:
    """By norm, by likeness, those that are flagged alone."""
    owl.get_by_role("radio", name="norm").click()
    page.wait_for_function("() => document.querySelector('.fv-tiles [data-filter]').dataset.filter !== '0'")
    labels = owl.locator("[data-filter]").evaluate_all("(all) => all.map((option) => option.ariaLabel)")
    norms = [float(label.split("norm ")[1].split(",")[0]) for label in labels]
    assert norms == sorted(norms, reverse=True)
    owl.get_by_role("radio", name="flagged").click()
    page.wait_for_function("() => document.querySelectorAll('.owl.fv .fv-tiles [data-filter]').length === 4")
    assert set(first_options(page, 4)) == {"13", "20", "33", "40"}
    owl.get_by_role("radio", name="index").click()
    owl.get_by_role("radio", name="all").click()
    page.wait_for_function("() => document.querySelectorAll('.owl.fv .fv-tiles [data-filter]').length === 48")
    owl.get_by_role("radio", name="likeness").click()
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.owl.fv .fv-tiles [data-filter]')];"
        " return all.length === 48 && all.some((option, k) => option.dataset.filter !== String(k)); }"
    )
    order = first_options(page, 48)
    assert abs(order.index("20") - order.index("33")) == 1, "alike filters are neighbours"
    owl.get_by_role("radio", name="index").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.owl.fv .fv-tiles [data-filter]')]"
        ".every((option, k) => option.dataset.filter === String(k))"
    )


def in_both_themes(notebook: Notebook, owl: Any, shots: Path) -> None:
    page = notebook.page
    page.mouse.move(5, 5)
    owl.locator('[data-filter="26"]').click()
    wait_for_filter(page, 26)
    owl.locator('canvas[aria-label^="Answers of filter 26"]').wait_for(timeout=120000)
    shoot(owl, shots / "filters-made-light.png")
    assert not accessibility_findings(page, ".owl.fv")
    notebook.theme("Dark")
    shoot(owl, shots / "filters-made-dark.png")
    assert not accessibility_findings(page, ".owl.fv")
    notebook.theme("Light")


def table_help_and_figure(page: Any, owl: Any, shots: Path) -> None:
    page.keyboard.press("t")
    assert "= duplicate of #33" in owl.locator(".fv-table tbody tr").nth(20).inner_text()
    shoot(owl, shots / "filters-table-light.png")
    page.keyboard.press("t")
    page.keyboard.press("?")
    owl.get_by_role("dialog", name="Keyboard").wait_for()
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        owl.get_by_role("button", name="Figure").click()
    assert download.value.suggested_filename == "conv1.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def another_layer(notebook: Notebook, owl: Any, shots: Path) -> None:
    """One input channel at a time; and all of it is there after a reload."""
    page = notebook.page
    owl.get_by_label("Layer").select_option("conv2")
    owl.get_by_text("8 filters, 48\u202f×\u202f3\u202f×\u202f3").wait_for()
    owl.get_by_label("Input channel").fill("5")
    owl.get_by_label("Input channel").press("Enter")
    owl.locator('[data-filter="3"]').click()
    page.wait_for_function("() => document.querySelector('.fv-images .fv-wait').hidden", timeout=120000)
    shoot(owl, shots / "filters-conv2-light.png")
    notebook.save()
    notebook.reload()
    owl.get_by_text("8 filters, 48\u202f×\u202f3\u202f×\u202f3").wait_for(timeout=120000)
    wait_for_filter(page, 3)
    assert owl.get_by_label("Input channel").input_value() == "5"
    page.set_viewport_size({"width": 1000, "height": 860})
    shoot(owl, shots / "filters-narrow-light.png")


def without_a_kernel(notebook: Notebook) -> None:
    """The saved notebook shows the figure."""
    page = notebook.page
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 1)
    saved = json.loads(notebook.path.read_text())
    assert any("image/png" in output.get("data", {}) for output in saved["cells"][1]["outputs"])
