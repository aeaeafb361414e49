"""Pictures of the monitor for docs/images, of real training: made where OWLKIT_SCREENSHOTS names a folder."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook

WANTED = pytest.mark.skipif(
    "OWLKIT_SCREENSHOTS" not in os.environ,
    reason="makes pictures: OWLKIT_SCREENSHOTS names a folder",
)
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900), WANTED]

OFTEN = """import owlkit_widgets.sampler as sampler
sampler.SHARE = 0.05  # of the time: a picture of a short run is to have samples
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
KEPT = 256  # colours of a picture


def keep(owl: Any, path: Path) -> None:
    """A screenshot with a palette: a third of the bytes."""
    from PIL import Image

    image = Image.open(io.BytesIO(owl.screenshot())).convert("RGB")
    image.quantize(KEPT, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def both_themes(notebook: Notebook, page: Any, shots: Path, name: str) -> None:
    owl = page.locator(".owl").first
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        page.mouse.move(5, 5)
        owl.scroll_into_view_if_needed()
        time.sleep(1.0)
        keep(owl, shots / f"monitor-{name}-{theme.lower()}.png")
    notebook.theme("Light")


@pytest.mark.parametrize(
    ("name", "first", "rate", "last", "state"),
    [("paused", 600, 0.001, 1000, "Paused"), ("diverged", 700, 0.06, 1900, "Diverged")],
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
    both_themes(notebook, page, shots, name)


def test_deep_net(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1500})
    iterations = int(os.environ.get("OWLKIT_POSTER_ITERATIONS", "400"))
    notebook = Notebook(lab, page, "deep-real", [OFTEN, DEEP.format(iterations=iterations)])
    notebook.open()
    notebook.run_all()
    notebook.wait_for_state("Finished", timeout=800)
    both_themes(notebook, page, shots, "deep")
