"""Activations, and what drives a unit, in a real JupyterLab: painted, chosen, stopped, dropped, reloaded."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .lab_notebook import PICTURE, Notebook, accessibility_findings, expect_count, shoot, until, width

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SETUP = """import owlkit
from owlkit import zoo
from look_net import LABELS, halves, picture
deep = owlkit.Net(zoo.squeezenet(classes=10, batch_size=1), seed=1)
from filter_net import pictures
photo = pictures(3)[2]
owls = [f"owl {i}" for i in range(10)]
look = owlkit.ImageInput(mean=128)"""
# Of the real net, covering stays at half of the places until it is stopped or something else is asked for.
DWELLING = """import time
from owlkit_widgets.drivers import DriversWidget
teller = DriversWidget._teller
def dwelling(widget, wish, seen):
    tell = teller(widget, wish, seen)
    def told(done, total, falls):
        tell(done, total, falls)
        while widget._net is deep and 2 * done >= total:
            time.sleep(0.05)
            tell(done, total, falls)
    return told
DriversWidget._teller = dwelling"""
ACTIVATIONS = "owlkit.show_activations(halves(), picture(), 'relu', labels=LABELS)"
DRIVERS = "owlkit.show_heatmap(halves(), picture(), 'ip', 0, labels=LABELS)"

# How many different colours a canvas has.
COLOURS = """(canvas) => {
  const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
  return seen.size; }"""
# How much more red than blue a canvas is at a place (shares of its width and height).
WARMTH = """(canvas, [x, y]) => {
  const at = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
  const d = canvas.getContext('2d').getImageData(...at, 1, 1).data;
  return d[0] - d[2]; }"""
# Pixels from the image's right edge to the map's left one; NaN where a button below the map is cut.
GAP = """(root) => {
  const [image, map] = [...root.querySelectorAll(".drv-pair canvas")].map((c) => c.getBoundingClientRect());
  const look = root.querySelector(".lk-look .seg");
  return look.scrollWidth > look.clientWidth ? NaN : Math.round(map.left - image.right); }"""
DROP = """([selector, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "right.png", { type: "image/png" }));
  const root = document.querySelector(selector);
  for (const type of ["dragenter", "dragover", "drop"])
    root.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data })); }"""


def spot() -> list[int]:
    """A PNG of a bright square in the right half."""
    image = np.zeros((24, 24), np.uint8)
    image[2:8, 15:21] = 100
    written = io.BytesIO()
    Image.fromarray(image).save(written, "PNG")
    return list(written.getvalue())


def figures(owl: Any) -> list[str]:
    found: list[str] = owl.locator(".fig:visible .v").all_inner_texts()
    return found


def test_activations_are_looked_at(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "activations", [SETUP, ACTIVATIONS])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.act")
    owl.locator("[data-channel]").nth(3).wait_for(timeout=60000)
    assert "4 channels, 24\u202f×\u202f24" in owl.locator(".hd").inner_text()
    assert figures(owl)[0] == "100"
    assert figures(owl)[2] == "2", "channels without a bright place are called dead"
    title = owl.locator(".lk-number")
    title.get_by_text("#0", exact=True).wait_for()
    big = owl.locator(".lk-right canvas").first
    until(lambda: big.evaluate(WARMTH, [0.29, 0.54]) > 60, "the bright square is tinted")
    assert abs(big.evaluate(WARMTH, [0.8, 0.8])) < 10
    channels(page, owl)
    looks_table_and_figure(page, owl)
    other_layers_and_another_image(page, owl)
    activations_are_kept(notebook, owl, shots)


def channels(page: Any, owl: Any) -> None:
    """Another one by click and key; its word; the choice of dead ones."""
    title = owl.locator(".lk-number")
    owl.locator('[data-channel="2"]').click()
    title.get_by_text("#2", exact=True).wait_for()
    page.keyboard.press("ArrowRight")
    title.get_by_text("#3", exact=True).wait_for()
    assert "∅ dead here" in owl.locator(".lk-title .chip").inner_text()
    page.keyboard.press("f")
    expect_count(owl.locator("[data-channel]"), 2)
    page.keyboard.press("f")
    page.keyboard.press("Home")
    title.get_by_text("#0", exact=True).wait_for()


def looks_table_and_figure(page: Any, owl: Any) -> None:
    owl.get_by_role("radio", name="alone").click()
    page.wait_for_function(
        "() => document.querySelector('.owl.act [data-value=alone]').ariaChecked === 'true'"
    )
    page.keyboard.press("t")
    assert owl.locator(".act-table tbody tr").nth(3).inner_text().endswith("dead here")
    page.keyboard.press("t")
    page.keyboard.press("?")
    owl.get_by_role("dialog", name="Keyboard").wait_for()
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        owl.get_by_role("button", name="Figure").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def other_layers_and_another_image(page: Any, owl: Any) -> None:
    """Layers by click and by key; units with names; an image is dropped."""
    title = owl.locator(".lk-number")
    owl.locator('[data-layer="prob"]').click()
    title.get_by_text("left · #0").wait_for()
    page.keyboard.press("[")
    owl.locator(".hd .name").get_by_text("ip", exact=True).wait_for()
    page.evaluate(DROP, [".owl.act", spot()])
    title.get_by_text("right · #1").wait_for()
    owl.locator(".foot", has_text="right.png").wait_for()
    assert not accessibility_findings(page, ".owl.act")


def activations_are_kept(notebook: Notebook, owl: Any, shots: Path) -> None:
    """All of it is there after a reload; without the kernel, the saved notebook shows the figure."""
    page = notebook.page
    notebook.save()
    notebook.reload()
    owl.locator(".lk-number").get_by_text("right · #1").wait_for(timeout=120000)
    page.set_viewport_size({"width": 1000, "height": 860})
    shoot(owl, shots / "activations-narrow-light.png")
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 1)
    saved = json.loads(notebook.path.read_text())
    assert any("image/png" in output.get("data", {}) for output in saved["cells"][1]["outputs"])


def test_what_drives_a_unit_is_looked_at(lab: Any, page: Any, shots: Path) -> None:
    slow = "owlkit.show_saliency(deep, photo, 'prob', prepare=look, labels=owls, method='guided')"
    notebook = Notebook(lab, page, "drivers", [SETUP, DWELLING, DRIVERS, slow])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.drv").first
    owl.locator(".lk-list button").nth(2).wait_for(timeout=60000)
    assert owl.locator(".name").inner_text() == "What drives left"
    assert figures(owl)[0] == "3.60"
    photograph, map = owl.locator("figure canvas").nth(0), owl.locator("figure canvas").nth(1)
    until(lambda: photograph.evaluate(COLOURS) == 2, "a small image keeps its pixels")
    until(lambda: map.evaluate(WARMTH, [0.29, 0.54]) > 60, "the bright square is tinted")
    assert abs(map.evaluate(WARMTH, [0.8, 0.2])) < 10
    owl.locator("dl", has_text="costs up to").wait_for()
    map.hover(position={"x": 100, "y": 200})
    owl.locator(".drv-said", has_text="covering it costs").wait_for()
    classes_methods_and_looks(page, owl)
    a_place_of_a_plane(page, owl)
    pictures_stand_apart(page, page.locator(".owl.drv").nth(1))
    covering_is_stopped(page, page.locator(".owl.drv").nth(1))
    drivers_are_kept(notebook, page.locator(".owl.drv").nth(1), shots)


def classes_methods_and_looks(page: Any, owl: Any) -> None:
    """Another class by click, another method by key, the ways to look."""
    owl.locator('.lk-list button[data-unit="1"]').first.click()
    owl.get_by_text("What drives right").wait_for()
    owl.locator('.lk-list button[data-unit="0"]').first.click()
    owl.get_by_text("What drives left").wait_for()
    page.keyboard.press("m")
    owl.locator(".foot").get_by_text("one pass forward and back").wait_for()
    for look in ("spotlight", "map", "signed"):
        owl.get_by_role("radio", name=look).click()
        page.wait_for_function(
            "(l) => document.querySelector(`.owl.drv [data-value=${l}]`)?.ariaChecked === 'true'",
            arg={"spotlight": "spot"}.get(look, look),
        )
    until(lambda: owl.locator("figure canvas").nth(1).evaluate(COLOURS) > 1, "the gradient's map")
    owl.get_by_role("radio", name="over").click()
    assert not accessibility_findings(page, ".owl.drv")


def a_place_of_a_plane(page: Any, owl: Any) -> None:
    """It is asked about where one clicks, and moved by keys."""
    owl.get_by_label("Layer", exact=True).select_option("conv")
    owl.locator(".drv-host").wait_for()
    owl.locator(".drv-host").click(position={"x": 60, "y": 80})
    owl.locator(".drv-words").get_by_text("row 12, column 9").wait_for()
    owl.locator(".drv-host").focus()
    page.keyboard.press("ArrowRight")
    owl.locator(".drv-words").get_by_text("row 12, column 10").wait_for()
    owl.get_by_role("button", name="where it answers most").click()
    owl.locator(".drv-words").get_by_text("row 10, column 4").wait_for()
    page.evaluate(DROP, [".owl.drv", spot()])
    owl.locator(".drv-words").get_by_text("row 2, column 15").wait_for()


def pictures_stand_apart(page: Any, deep: Any) -> None:
    """Where the buttons below the map are wider than the map, they go to two lines and hide no picture."""
    size = page.viewport_size
    deep.locator(".foot").get_by_text("one pass forward and back").wait_for(timeout=60000)
    beside = size["width"] - round(width(deep))
    page.set_viewport_size({"width": 968 + beside, "height": size["height"]})
    until(lambda: width(deep) < 1000, "a window of usual width")
    until(lambda: deep.evaluate(GAP) == 12, "the gap between the image and the map")
    page.set_viewport_size(size)


def covering_is_stopped(page: Any, deep: Any) -> None:
    """Covering takes long with a real net: it is seen as it goes, stopped, begun anew."""
    deep.scroll_into_view_if_needed()
    deep.locator(".foot").get_by_text("one pass forward and back").wait_for(timeout=60000)
    deep.get_by_role("radio", name="occlusion").click()
    deep.locator(".foot").get_by_text("places covered").wait_for(timeout=60000)
    deep.get_by_role("button", name="Stop").click()
    deep.locator(".foot").get_by_text("stopped after").wait_for()
    until(lambda: deep.locator("figure canvas").nth(1).evaluate(COLOURS) > 10, "the map so far")
    deep.get_by_role("button", name="Again").click()
    deep.get_by_role("button", name="Stop").wait_for()
    deep.get_by_role("radio", name="gradient").click()
    deep.locator(".foot").get_by_text("one pass forward and back").wait_for()


def drivers_are_kept(notebook: Notebook, deep: Any, shots: Path) -> None:
    """After a reload; and as pictures without the kernel."""
    page = notebook.page
    notebook.save()
    notebook.reload()
    deep.locator(".foot").get_by_text("one pass forward and back").wait_for(timeout=120000)
    notebook.theme("Dark")
    assert not accessibility_findings(page, ".owl.drv")
    shoot(deep, shots / "heatmap-made-dark.png")
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).nth(1).wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 2)
