"""Pictures of the monitor for docs/images, of real training: made where OWLKIT_SCREENSHOTS names a folder."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook, standing, still

WANTED = pytest.mark.skipif(
    "OWLKIT_SCREENSHOTS" not in os.environ,
    reason="makes pictures: OWLKIT_SCREENSHOTS names a folder",
)
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900), WANTED]

OFTEN = """import os
import owlkit_widgets.sampler as sampler
sampler.SHARE = 0.05  # of the time: a picture of a short run is to have samples
os.environ["HOME"] = os.getcwd()  # the footer says where snapshots lie
"""
LENET = """import owlkit as owl
from lenet_digits import solver
run = owl.train(solver(max_iter=2000, snapshot=200, prefix="{name}"), name="{name}")
while run.iter < {first}:
    run.wait_until("failed", timeout=0.02)
run.set_lr({rate})
while run.iter < {last} and run.state == "running":
    run.wait_until("failed", timeout=0.02)
if run.state == "running":
    run.pause()"""
DEEP = """import owlkit as owl
from deep_digits import solver
run = owl.train(solver(max_iter={iterations}), name="resnet56")"""
RUNNING = """import owlkit as owl
from lenet_digits import solver
owl.train(solver(max_iter=4000), name="lenet")"""
TWO = """import owlkit as owl
from lenet_digits import solver
slow = owl.train(solver(max_iter=1500, base_lr=0.002), name="lenet-0.002", monitor=False)
slow.wait()
run = owl.train(solver(max_iter=1500), name="lenet-0.01", compare=slow)
while run.iter < 900:
    run.wait_until("failed", timeout=0.02)
run.pause()"""
KEPT = 256  # colours of a picture
MOST_BYTES = 195_000


def keep(owl: Any, path: Path) -> None:
    """A screenshot with a palette, a third of the bytes; smaller where these are still too many."""
    from PIL import Image

    image = Image.open(io.BytesIO(owl.screenshot())).convert("RGB")
    shown = image
    for scale in (0.85, 0.7, 0.55, 0.4):
        few = shown.quantize(KEPT, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
        shown = image.resize((round(scale * image.width), round(scale * image.height)))
    raise AssertionError(f"{path.name}: {path.stat().st_size} bytes at the smallest scale")


def both_themes(notebook: Notebook, owl: Any, shots: Path, name: str) -> None:
    """Pictures NAME-light.png and NAME-dark.png of a widget that has neither focus nor pointer."""
    page = notebook.page
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        owl.scroll_into_view_if_needed()
        page.mouse.move(5, 5)
        page.evaluate("() => document.activeElement?.blur()")
        still(owl)
        time.sleep(1.0)  # tips that fade, words that are said for a moment
        keep(owl, shots / f"{name}-{theme.lower()}.png")
    notebook.theme("Light")


@pytest.mark.parametrize(
    ("name", "first", "rate", "last", "state"),
    [("paused", 600, 0.001, 1000, "Paused"), ("diverged", 700, 0.2, 1900, "Diverged")],
)
def test_lenet(
    lab: Any, page: Any, shots: Path, name: str, first: int, rate: float, last: int, state: str
) -> None:
    page.set_viewport_size({"width": 1560, "height": 1250})
    code = LENET.format(name=f"lenet-{name}", first=first, rate=rate, last=last)
    notebook = Notebook(lab, page, name, [OFTEN, code])
    notebook.open()
    notebook.run_all()
    notebook.wait_for_state(state, timeout=400)
    both_themes(notebook, page.locator(".owl").first, shots, f"monitor-{name}")


def test_deep_net(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1500})
    iterations = int(os.environ.get("OWLKIT_POSTER_ITERATIONS", "400"))
    notebook = Notebook(lab, page, "deep-real", [OFTEN, DEEP.format(iterations=iterations)])
    notebook.open()
    notebook.run_all()
    notebook.wait_for_state("Finished", timeout=800)
    both_themes(notebook, page.locator(".owl").first, shots, "monitor-deep")


def test_panels(lab: Any, page: Any, shots: Path) -> None:
    """A layer that was opened, and the cursor in the midst of a run that goes on."""
    page.set_viewport_size({"width": 1460, "height": 1250})
    notebook = Notebook(lab, page, "panels-real", [OFTEN, RUNNING])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl").first
    owl.locator(".uplot canvas").wait_for(timeout=60_000)
    owl.locator(".lrow .n", has_text="conv2").click()
    notebook.wait_for_iteration(2300, timeout=400)
    area = standing(owl.locator(".u-over"))
    page.mouse.click(area["x"] + 0.47 * area["width"], area["y"] + area["height"] / 2)
    both_themes(notebook, owl, shots, "monitor-panels")


def test_runs_over_one_another(lab: Any, page: Any, shots: Path) -> None:
    """Two learning rates, in a wide and a narrow cell; and the picture that stays in the notebook."""
    page.set_viewport_size({"width": 1560, "height": 1000})
    notebook = Notebook(lab, page, "overlay-real", [OFTEN, TWO])
    notebook.open()
    notebook.run_all()
    notebook.wait_for_state("Paused", timeout=400)
    owl = page.locator(".owl").first
    area = standing(owl.locator(".u-over"))
    page.mouse.click(area["x"] + 0.33 * area["width"], area["y"] + area["height"] / 2)
    both_themes(notebook, owl, shots, "monitor-overlay")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1120, "height": 1500})
    still(owl)
    time.sleep(1.0)
    page.mouse.move(5, 5)
    keep(owl, shots / "monitor-narrow-light.png")


def test_picture_that_stays(shots: Path, tmp_path: Path) -> None:
    """What the notebook keeps of two runs."""
    import owlkit
    from owlkit_widgets.monitor import Monitor

    from .lenet_digits import solver

    runs = []
    for rate in (0.002, 0.01):
        made = solver(max_iter=1500, base_lr=rate, prefix=str(tmp_path / "lenet"))
        runs.append(owlkit.train(made, name=f"lenet-{rate}", monitor=False))
        if rate == 0.002:
            runs[0].wait()
    monitor = Monitor(runs[1])
    monitor.compare(runs[0])
    runs[1].wait()
    (shots / "monitor-static-light.png").write_bytes(monitor.picture())
