"""What a run outlives in a real JupyterLab: a reload while it goes on, a divergence, the kernel's end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, accessibility_findings, expect_count, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

VALUE = """import owlkit as owl
import owlkit_widgets.run_view
owlkit_widgets.run_view.FIRST_PICTURE = 0.5
from lenet_digits import solver
run = owl.train(solver(max_iter=100000), name="lenet", monitor=False)
run"""
DIVERGING = """hot = owl.Run(solver(max_iter=100000, prefix="hot"), name="hot")
owl.monitor(hot)
hot.step(5)
while hot.iter < 5:
    hot.wait_until("failed", timeout=0.01)
hot.wait_until("paused", timeout=60)
hot.solver.net.params["score"][0].data[...] = 1e38  # so that it diverges at once, and surely
hot.resume()
hot.wait_until("diverged", timeout=60)"""
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"


def saved_with_a_picture(notebook: Notebook, seconds: float = 60) -> None:
    """Save until a picture of the run that goes on is in the file: after a reload no other comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        notebook.save()
        outputs = json.loads(notebook.path.read_text())["cells"][0]["outputs"]
        if any("image/png" in output.get("data", ()) for output in outputs):
            return
    raise AssertionError("no picture came")


def test_reload_divergence_and_restart(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "life", [VALUE, DIVERGING])
    notebook.open()
    notebook.command("notebook:run-cell-and-select-next")
    page.locator(".owl .uplot canvas").wait_for(timeout=60000)
    lenet = page.locator(".owl").first
    notebook.wait_for_iteration(120)
    first = [row[0] for row in notebook.rows()]

    # Reload while it trains: the curve is whole again, and it has grown meanwhile.
    saved_with_a_picture(notebook)
    before = notebook.iteration()
    notebook.reload()
    page.locator(".owl .uplot canvas").wait_for(timeout=120000)
    after = notebook.wait_for_iteration(before + 50)
    notebook.wait_for_state("Running")
    assert set(first[1:]) <= {row[0] for row in notebook.rows()}, "tests from before the reload are missing"
    until(lambda: notebook.ink("train") > 200, "the curve")
    assert notebook.wait_for_iteration(after + 5) > after, "no point comes any more"

    # A real divergence: hatched, with the first guilty layer named.
    lenet.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused", 90)
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    notebook.command("notebook:run-cell")
    hot = page.locator(".owl").last
    hot.locator(".pill", has_text="Diverged").wait_for(timeout=60000)
    told = hot.get_by_role("alert").inner_text()
    assert "first appeared in" in told
    assert any(layer in told for layer in ("conv1", "conv2", "fc1", "score")), told
    hot.scroll_into_view_if_needed()
    hot.locator(".leg .bad").first.wait_for()  # NaN is written in the legend
    assert accessibility_findings(page) == []
    shoot(hot, shots / "diverged-real-light.png")
    # Both have their picture, which the kernel draws.
    page.locator(PICTURE).nth(1).wait_for(state="attached", timeout=60000)

    # The kernel is restarted: last values stay, controls are off; opened again, a picture stands for it.
    page.evaluate(RESTART)
    lenet.scroll_into_view_if_needed()
    lenet.locator(".pill", has_text="Disconnected").wait_for(timeout=60000)
    lenet.locator('button[data-act="main"][aria-disabled="true"]', has_text="Resume").wait_for()
    assert notebook.iteration() >= after
    until(lambda: notebook.ink("train") > 200, "the curve stays")
    notebook.save()
    page.goto(notebook.url)
    page.locator(PICTURE).first.wait_for(timeout=120000)
    expect_count(page.locator(f"{PICTURE}:visible"), 2)  # one is of the run that was reloaded
    expect_count(page.get_by_text("model not found").locator("visible=true"), 0)
