"""The way back from a divergence in a real JupyterLab: one click, and what was given up stays in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook, accessibility_findings, painted, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

DIVERGING = """import owlkit as owl
from lenet_digits import solver
run = owl.train(solver(max_iter=100000, snapshot=40, prefix="back"), name="lenet", monitor=False)
while run.iter < 70:
    run.wait_until("failed", timeout=0.01)
run.set_lr(1.0)
run.wait_until("diverged", timeout=60)
run"""
WITHOUT = """lost = owl.train(solver(max_iter=400, prefix="none"), name="lost", monitor=False)
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
    without.locator(".banner", has_text="There is no good snapshot to go back to").wait_for()
    assert without.locator('[data-act="back"]').is_hidden()

    back = owl.get_by_role("button", name="Back to 40, lr × 0.1")
    back.scroll_into_view_if_needed()
    painted(page)
    shoot(owl, shots / "monitor-diverged-light.png")
    assert accessibility_findings(page) == []
    reached = notebook.iteration()
    assert reached > 70

    # The first guilty layer is one click away, with how its values lie now that nothing moves.
    guilty = owl.locator(".banner").get_by_role("button", name="Show ")
    name = guilty.inner_text().removeprefix("Show ")
    owl.get_by_role("button", name="Layers").click()
    guilty.click()
    row = owl.locator(f'.lrow[data-key="{name}/{name}"]')
    row.and_(page.locator(":focus")).wait_for()
    assert row.get_attribute("aria-expanded") == "true"
    gradients = owl.locator(f'.lrow[data-key="{name}/gradients"]')
    gradients.filter(has_text=" to ").or_(gradients.filter(has_text="finite")).wait_for(timeout=5000)
    painted(page)
    shoot(owl, shots / "monitor-guilty-light.png")
    assert accessibility_findings(page) == []
    back.focus()
    page.keyboard.press("Enter")
    owl.locator(".pill", has_text="Running").wait_for(timeout=20000)
    owl.locator(".banner").wait_for(state="hidden")

    # The curve goes on from there at once; what was given up stays, with a switch of its own.
    owl.get_by_role("switch", name="given up").wait_for()
    assert float(owl.locator("input.lr").input_value()) == pytest.approx(0.001)
    notebook.wait_for_iteration(reached + 20)
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    painted(page)
    shoot(owl, shots / "monitor-back-light.png")
    ink = notebook.ink("ink-2")
    words = [row[-1] for row in notebook.rows()]
    assert any("went back to 40 from " in text for text in words), words
    assert any(text.startswith("given up at ") for text in words), words
    owl.get_by_role("switch", name="given up").click()
    until(lambda: notebook.ink("ink-2") < ink, "the end of what was given up is not drawn any more")
    owl.get_by_role("switch", name="given up").click()

    # A reload keeps it.
    notebook.save()
    page.goto(notebook.url)
    owl.locator(".uplot canvas").wait_for(timeout=120000)
    owl.get_by_role("switch", name="given up").wait_for()
    painted(page)
    again = [row[-1] for row in notebook.rows()]
    assert [text for text in words if "back" in text or "given" in text] == [
        text for text in again if "back" in text or "given" in text
    ]
    notebook.theme("Dark")
    shoot(owl, shots / "monitor-back-dark.png")
    notebook.theme("Light")
    owl.get_by_role("button", name="Stop").click()
    page.keyboard.press("Enter")
    notebook.wait_for_state("Stopped")
