"""The way back from a divergence in a real JupyterLab: one click, and what was given up stays in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook, accessibility_findings, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

DIVERGING = """import owlkit as owl
from lenet_digits import solver
run = owl.Run(solver(max_iter=100000, snapshot=40, prefix="back"), name="lenet")
run.step(60)
while run.iter < 60:
    run.wait_until("failed", timeout=0.01)
run.wait_until("paused", timeout=60)
run.set_lr(1.0)
run.solver.net.params["score"][0].data[...] = 1e38  # so that it diverges at once, and surely
run.resume()
run.wait_until("diverged", timeout=60)
run"""
WITHOUT = """lost = owl.train(solver(max_iter=100000, prefix="none"), name="lost", monitor=False)
lost.set_lr(1e6)
lost.wait_until("diverged", timeout=60)
lost"""


def test_one_click_goes_back_and_nothing_is_lost(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "back", [DIVERGING, WITHOUT])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl").first
    notebook.wait_for_state("Diverged", timeout=90)
    without = page.locator(".owl").nth(1)
    without.locator(".banner", has_text="There is no good snapshot to go back to").wait_for(timeout=60000)
    assert without.locator('[data-act="back"]').is_hidden()
    reached = diverged(notebook, owl, shots)
    guilty_layer(page, owl, shots)
    given_up = back_by_one_click(notebook, owl, shots, reached)
    kept_over_a_reload(notebook, owl, shots, given_up)


def diverged(notebook: Notebook, owl: Any, shots: Path) -> int:
    """What is offered is in sight; the iteration that was reached."""
    back = owl.get_by_role("button", name="Back to 40, lr × 0.1")
    back.wait_for()
    shoot(owl, shots / "monitor-diverged-light.png")
    assert accessibility_findings(notebook.page) == []
    reached = notebook.standing_iteration()
    assert 60 <= reached < 80
    return reached


def guilty_layer(page: Any, owl: Any, shots: Path) -> None:
    """The first guilty layer is one click away, with how its values lie now that nothing moves."""
    guilty = owl.locator(".banner").get_by_role("button", name="Show ")
    name = guilty.inner_text().removeprefix("Show ")
    owl.get_by_role("button", name="Layers").click()
    guilty.click()
    row = owl.locator(f'.lrow[data-key="{name}/{name}"]')
    row.and_(page.locator(":focus")).wait_for()
    assert row.get_attribute("aria-expanded") == "true"
    gradients = owl.locator(f'.lrow[data-key="{name}/gradients"]')
    gradients.filter(has_text=" to ").or_(gradients.filter(has_text="finite")).wait_for()
    shoot(owl, shots / "monitor-guilty-light.png")
    assert accessibility_findings(page) == []


def back_by_one_click(notebook: Notebook, owl: Any, shots: Path, reached: int) -> list[str]:
    """The curve goes on from there at once; what was given up stays, with a switch of its own.

    Gives what the table says of it.
    """
    owl.get_by_role("button", name="Back to 40, lr × 0.1").focus()
    notebook.page.keyboard.press("Enter")
    owl.locator(".pill", has_text="Running").wait_for(timeout=60000)
    owl.locator(".banner").wait_for(state="hidden")
    owl.get_by_role("switch", name="given up").wait_for()
    assert float(owl.locator("input.lr").input_value()) == pytest.approx(0.001)
    notebook.wait_for_iteration(reached + 20)
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    notebook.standing_iteration()
    shoot(owl, shots / "monitor-back-light.png")
    ink = notebook.ink("ink-2")
    words = [row[-1] for row in notebook.rows()]
    assert any("went back to 40 from " in text for text in words), words
    assert any(text.startswith("given up at ") for text in words), words
    owl.get_by_role("switch", name="given up").click()
    until(lambda: notebook.ink("ink-2") < ink, "the end of what was given up is not drawn any more")
    owl.get_by_role("switch", name="given up").click()
    return [text for text in words if "back" in text or "given" in text]


def kept_over_a_reload(notebook: Notebook, owl: Any, shots: Path, given_up: list[str]) -> None:
    page = notebook.page
    notebook.save()
    notebook.reload()
    owl.locator(".uplot canvas").wait_for(timeout=120000)
    owl.get_by_role("switch", name="given up").wait_for()
    again = [row[-1] for row in notebook.rows()]
    assert [text for text in again if "back" in text or "given" in text] == given_up
    notebook.theme("Dark")
    shoot(owl, shots / "monitor-back-dark.png")
    notebook.theme("Light")
    owl.get_by_role("button", name="Stop").click()
    page.keyboard.press("Enter")
    notebook.wait_for_state("Stopped")
