"""The notebook's own shortcuts while the focus is in a widget: Ctrl+S saves, and plain keys do no harm."""

from __future__ import annotations

from typing import Any

import pytest

from .lab_notebook import Notebook, run_all_in_notebook_7, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELL = """import owlkit
from fake_run import FakeRun
run = FakeRun("saved", max_iter=100000, seconds=0.004)
owlkit.monitor(run)"""
FILTERS = "from filter_net import planted\nowlkit.show_filters(planted(), 'conv1')"
CELLS = "() => document.querySelectorAll('.jp-Notebook .jp-Cell').length"
SOURCE = "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.source"
FOCUSED = "() => document.activeElement.closest('.owl')?.className ?? ''"


def saved(notebook: Notebook, page: Any) -> None:
    """Ctrl+S writes the outputs into the file, and the browser's own "save page" stays away."""
    assert '"output_type"' not in notebook.path.read_text(encoding="utf-8")
    page.keyboard.press("Control+s")
    until(lambda: '"output_type"' in notebook.path.read_text(encoding="utf-8"), "outputs in the file")


def typed(page: Any, owl: Any, key: str) -> None:
    """Type into the field of the learning rate, press a key there, and leave it as it was."""
    rate = owl.get_by_role("textbox", name="Learning rate")
    rate.click()
    page.keyboard.type("7")
    rate.press(key)
    rate.press("Escape")


def test_shortcuts_in_jupyterlab(lab: Any, page: Any) -> None:
    notebook = Notebook(lab, page, "shortcuts", [CELL, FILTERS])
    notebook.open()
    notebook.run_all()
    notebook.wait_for_state("Ready")
    owl = page.locator(".owl.mon")
    page.locator(".owl.fv").wait_for(timeout=60000)
    owl.get_by_role("button", name="Start").click()
    notebook.wait_for_iteration(20)
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    assert "mon" in page.evaluate(FOCUSED)
    saved(notebook, page)

    # Who undoes what was typed into a field undoes nothing in a cell; elsewhere the same keys do.
    page.locator(".jp-Notebook .jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("23")
    typed(page, owl, "Control+z")
    assert page.evaluate(SOURCE).endswith("(run)23")
    assert "mon" in page.evaluate(FOCUSED)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"() => ({SOURCE})().endsWith('(run)')")

    # Single letters are the widget's, whether it has a use for them or not: this one would insert a cell.
    # Ctrl+Shift+C is the palette of commands.
    page.locator(".owl.fv").get_by_role("button", name="Keyboard help").focus()
    page.keyboard.press("b")
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette:visible").first.wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate(CELLS) == 2


def test_shortcuts_in_notebook_7(lab: Any, page_of_notebook_7: Any) -> None:
    page = page_of_notebook_7
    notebook = Notebook(lab, page, "shortcuts-seven", [CELL])
    lab.begin(notebook.path.name)
    page.goto(f"{lab.url}/notebooks/{notebook.path.name}?token={lab.token}")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60000)
    run_all_in_notebook_7(page)
    owl = page.locator(".owl.mon")
    owl.get_by_role("button", name="Start").click(timeout=60000)
    owl.get_by_role("button", name="Pause").click(timeout=60000)
    notebook.wait_for_state("Paused")
    saved(notebook, page)
    page.keyboard.press("b")
    typed(page, owl, "Control+z")
    assert page.evaluate(CELLS) == 1
