"""A finger on the toolbar, and a keyboard whose brackets lie behind AltGr, in a real JupyterLab."""

from __future__ import annotations

from typing import Any

import pytest

from .lab_notebook import Notebook, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELL = """import owlkit
from fake_run import FakeRun
run = FakeRun("touched", max_iter=100000, seconds=0.004)
owlkit.monitor(run)"""
# "[" as Windows tells it of a German keyboard.
ALTGR_8 = """() => {
  const told = {key: '[', code: 'Digit8', ctrlKey: true, altKey: true, modifierAltGraph: true};
  const plot = document.querySelector('.owl .plot');
  plot.focus();
  plot.dispatchEvent(new KeyboardEvent('keydown', {...told, bubbles: true, cancelable: true})); }"""

# Two taps of a finger, in a browser that does not count them: the second is no Pause.
TWICE = """(button) => {
  const tap = () => new PointerEvent('click', {bubbles: true, detail: 1, pointerType: 'touch'});
  for (let i = 0; i < 2; i++) button.dispatchEvent(tap()); }"""


def test_by_touch_and_by_altgr(lab: Any, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900}, has_touch=True)
    page = context.new_page()
    notebook = Notebook(lab, page, "touched", [CELL])
    notebook.open()
    notebook.run_all()
    owl = page.locator(".owl.mon").first
    owl.get_by_role("button", name="Start").wait_for(timeout=60000)
    owl.locator('[data-act="main"]').evaluate(TWICE)
    notebook.wait_for_iteration(20)
    rate = owl.get_by_role("textbox", name="Learning rate")
    stop, lower = owl.locator('[data-act="stop"]'), owl.locator('[data-act="lower"]')

    # "Stop?" gets narrower, and what lies beside it moves, only when the finger's click has come.
    stop.tap()
    until(lambda: "asking" in stop.get_attribute("class"), "it asks")
    box = lower.bounding_box()
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] / 2)
    until(lambda: rate.input_value() == "0.001", "the tap on what lies beside it was taken")
    until(lambda: "asking" not in stop.get_attribute("class"), "it asks no more")

    page.evaluate(ALTGR_8)
    until(lambda: rate.input_value() == "0.0001", "and so was the key")
    context.close()
    lab.end_kernels()
