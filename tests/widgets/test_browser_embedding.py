"""An embedding in a real JupyterLab: methods, marks, zoom, lasso, classes, images close up, reloaded."""

from __future__ import annotations

import json
from collections.abc import Callable
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

IMAGES = 120
PATIENCE = 120_000  # milliseconds in which whatever is waited for comes, on a machine with much else to do
CELLS = [
    "import owlkit as owl\nfrom digits_net import PREPARE, trained\nnet = trained()",
    f"owl.show_embedding(net, owl.datasets.digits('test'), 'fc1', prepare=PREPARE, limit={IMAGES})",
]
ENDLESS = """import time
from owlkit_widgets.embedding import EmbeddingWidget
arrange = EmbeddingWidget._arrange
def endless(widget, wish):
    while wish[0] == 'conv2' and not widget._latest.stopped:
        time.sleep(0.01)
    return arrange(widget, wish)
EmbeddingWidget._arrange = endless"""  # a layer that is at work until it is stopped, on any machine
HELD = """import time
from pathlib import Path
from owlkit_widgets.embedding import EmbeddingWidget
draw = EmbeddingWidget.picture
def held(widget, dpi=100):
    while not Path('draw-it').exists():
        time.sleep(0.01)
    return draw(widget, dpi)
EmbeddingWidget.picture = held"""  # the picture of the cell is drawn when the test says so
SHADES = """(canvas) => {
  const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
  return seen.size; }"""


def pixels(page: Any) -> str:
    found: str = page.locator(".em-plot canvas").evaluate("(canvas) => canvas.toDataURL()")
    return found


def wait_for_other(page: Any, before: str) -> str:
    """The plot, once it looks otherwise than `before`."""
    page.wait_for_function(
        "(before) => document.querySelector('.em-plot canvas').toDataURL() !== before",
        arg=before,
        timeout=PATIENCE,
    )
    return pixels(page)


def figures(page: Any) -> list[str]:
    values: list[str] = page.locator(".owl.em .fig .v").all_inner_texts()
    return values


def drag_through(
    page: Any, corners: list[tuple[float, float]], at_half: Callable[[], None] | None = None
) -> None:
    """Drag the pointer through places of the plot, given in shares of its width and height."""
    box = standing(page.locator(".em-plot canvas"))
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for k, place in enumerate(places[1:], 1):
        page.mouse.move(*place, steps=4)
        if at_half is not None and 2 * k >= len(places) - 1:
            at_half()
            at_half = None
    page.mouse.up()


def selected(page: Any, least: int = 1) -> int:
    """How many images are selected, once it is so many; the counts by class add up to it."""
    page.wait_for_function(
        "(least) => Number([...document.querySelectorAll('.owl.em .fig .v')].at(-1).textContent) >= least",
        arg=least,
        timeout=PATIENCE,
    )
    found = int(figures(page)[-1])
    counts = page.locator(".em-classes .val").all_inner_texts()
    assert all(" of " in count for count in counts), counts
    assert sum(int(count.split(" of ")[0]) for count in counts) == found
    return found


def test_what_is_done_while_the_picture_is_drawn_is_not_lost(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "embedding-drag", [HELD, *CELLS])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.em")
    owl.locator(".foot", has_text="t-SNE in").wait_for(timeout=PATIENCE)
    assert owl.evaluate("(root) => root.getBoundingClientRect().height") <= 620
    plot = owl.locator(".em-plot")
    plot.evaluate("(plot) => { plot.marked = true; }")
    plot.focus()
    page.keyboard.press("b")
    owl.locator('.em-plot[data-tool="box"]').wait_for()

    first = boxed_when_the_picture_arrives(lab, page)
    assert plot.evaluate("(plot) => plot.marked && plot.contains(document.activeElement)"), "the same view"
    assert page.locator(".jp-RenderedImage:visible").count() == 0
    assert not accessibility_findings(page, ".owl.em")
    added_with_shift(page, first)
    lassoed_over_selected_text(page, owl)
    shoot(owl, shots / "embedding-selected-light.png")


def boxed_when_the_picture_arrives(lab: Any, page: Any) -> int:
    """How many are selected by a drag in whose midst the picture arrives beside the widget."""

    def picture_arrives() -> None:
        assert page.locator(PICTURE).count() == 0
        (lab.folder / "draw-it").touch()
        page.locator(PICTURE).first.wait_for(state="attached", timeout=PATIENCE)

    left = [(0.02, 0.02), (0.25, 0.5), (0.5, 0.98)]
    drag_through(page, left, at_half=picture_arrives)
    first = selected(page)
    assert first < IMAGES
    return first


def added_with_shift(page: Any, first: int) -> None:
    """Shift adds, and selects no cells."""
    page.keyboard.down("Shift")
    drag_through(page, [(0.45, 0.02), (0.98, 0.98)])
    page.keyboard.up("Shift")
    assert selected(page, first + 1) == IMAGES
    assert page.locator(".jp-Cell.jp-mod-selected").count() == 1


def lassoed_over_selected_text(page: Any, owl: Any) -> None:
    """A lasso, although text is selected, which a drag would otherwise take along."""
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.owl.em .fig .v')].at(-1).textContent === '0'"
    )
    page.keyboard.press("l")
    owl.locator('.em-plot[data-tool="lasso"]').wait_for()
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('.jp-Notebook'))")
    before = pixels(page)
    drag_through(page, [(0.02, 0.02), (0.55, 0.02), (0.3, 0.95), (0.02, 0.9)])
    assert 0 < selected(page) < IMAGES
    wait_for_other(page, before)
    page.evaluate("() => getSelection().removeAllRanges()")
    before = pixels(page)
    page.keyboard.press("+")
    wait_for_other(page, before)
    page.keyboard.press("0")


def test_images_are_placed_and_looked_at(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "embedding", [ENDLESS, *CELLS])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.em")
    owl.locator(".foot", has_text="t-SNE in").wait_for(timeout=PATIENCE)
    assert owl.count() == 1, "the value of the cell is not shown beside the widget"
    assert f"{IMAGES} images, 500 features, t-SNE" in owl.locator(".hd").inner_text()
    assert float(figures(page)[0].split("\u202f")[0]) > 80, "digits of a kind lie together"
    until(lambda: owl.locator(".em-plot canvas").evaluate(SHADES) > 200, "the plot is painted")
    from_image_to_image(page, owl, shots)
    one_class_alone(page, owl)
    shapes_and_zoom(page, owl, shots)
    the_other_method(notebook, owl, shots)
    another_layer(page, owl)
    kept(notebook, owl, shots)


def from_image_to_image(page: Any, owl: Any, shots: Path) -> None:
    """By keys; the one that is looked at is shown large, with its neighbours."""
    owl.locator(".em-plot").focus()
    page.keyboard.press("ArrowLeft")
    owl.locator(".em-look dd").first.wait_for()
    key = owl.locator(".em-look dd").first.inner_text()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "(key) => document.querySelector('.em-look dd').textContent !== key", arg=key, timeout=PATIENCE
    )
    expect_count(owl.locator(".em-near:visible"), 6)
    until(lambda: owl.locator(".em-look canvas").evaluate(SHADES) > 5, "the image is painted")
    shoot(owl, shots / "embedding-made-light.png")
    assert not accessibility_findings(page, ".owl.em")


def one_class_alone(page: Any, owl: Any) -> None:
    """Switches show one class alone, and all again."""
    owl.get_by_role("switch").nth(3).click(modifiers=["Alt"])
    page.wait_for_function(
        "() => document.querySelectorAll('.em-classes [aria-checked=\"true\"]').length === 1"
    )
    owl.get_by_text("show all").click()


def shapes_and_zoom(page: Any, owl: Any, shots: Path) -> None:
    owl.locator(".em-plot").focus()
    page.keyboard.press("Escape")
    owl.locator(".em-none").wait_for()
    before = pixels(page)
    owl.locator(".em-plot").press("p")  # focuses it
    before = wait_for_other(page, before)
    shoot(owl, shots / "embedding-shapes-light.png")
    owl.locator(".em-plot").focus()
    page.keyboard.press("+")
    before = wait_for_other(page, before)
    page.keyboard.press("0")


def the_other_method(notebook: Notebook, owl: Any, shots: Path) -> None:
    """It is made; the first is there again at once when it is chosen back; and the figure."""
    page = notebook.page
    page.keyboard.press("m")
    owl.locator(".hd", has_text="features, PCA").wait_for()
    owl.locator(".foot", has_text="PCA in").wait_for(timeout=PATIENCE)
    page.keyboard.press("m")
    owl.locator(".foot", has_text="t-SNE in").wait_for(timeout=PATIENCE)
    notebook.theme("Dark")
    shoot(owl, shots / "embedding-shapes-dark.png")
    assert not accessibility_findings(page, ".owl.em")
    notebook.theme("Light")
    with page.expect_download() as download:
        owl.get_by_role("button", name="Figure").click()
    assert download.value.suggested_filename == "fc1-embedding.png"


def another_layer(page: Any, owl: Any) -> None:
    """It is run and arranged; stopped, it keeps the places reached."""
    owl.get_by_label("Layer").select_option("conv2")
    owl.locator('[data-act="run"]').get_by_text("Stop").click(timeout=PATIENCE)
    owl.locator('[data-act="run"]').get_by_text("Again").wait_for(timeout=PATIENCE)
    owl.get_by_label("Layer").select_option("fc1")
    owl.locator(".foot", has_text="t-SNE in").wait_for(timeout=PATIENCE)


def kept(notebook: Notebook, owl: Any, shots: Path) -> None:
    """After a reload; and as a picture without the kernel."""
    page = notebook.page
    notebook.save()
    notebook.reload()
    page.wait_for_function("() => document.querySelector('.em-plot canvas')?.width > 400", timeout=PATIENCE)
    assert owl.get_by_role("radio", name="shapes").get_attribute("aria-checked") == "true"
    page.set_viewport_size({"width": 900, "height": 1100})
    shoot(owl, shots / "embedding-narrow-light.png")
    notebook.command("kernelmenu:shutdown")
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=PATIENCE)
    expect_count(page.locator(f"{PICTURE}:visible"), 1)
    saved = json.loads(notebook.path.read_text())
    assert any("image/png" in output.get("data", {}) for output in saved["cells"][-1]["outputs"])
