"""How soon a click in the monitor reaches the run, while a cell keeps the kernel busy.

    python benchmarks/monitor_controls.py [--store]

LeNet trains in JupyterLab beside a cell that waits for it, one that sleeps and one that computes in Python.
The controls are pressed in turn, as `tests/widgets/test_browser_busy.py` does; the time is from the click in
Chromium to the call of the run's method, both by the machine's clock. Browser, server, kernel and training
share the machine's cores. Needs playwright and Chromium; runs in a minute.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from report import quiet_blas, store  # noqa: E402

ROUNDS = 12  # of all controls, beside each cell


def beside(notebook: Any, number: int, path: Path) -> list[float]:
    """Seconds of each press while cell `number` runs; the first round is not counted."""
    from tests.widgets.test_browser_busy import PRESSES, RUNS, press

    page = notebook.page
    page.evaluate(f"() => {{ jupyterapp.shell.currentWidget.content.activeCellIndex = {number}; }}")
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell'); }")  # not waited for
    page.wait_for_function(RUNS, arg=number)
    seconds = []
    for count in range(ROUNDS + 1):
        for control, wanted in PRESSES:
            took = press(page, path, control, wanted)
            seconds += [took] if count else []
            if wanted == "pause" or wanted.startswith("step"):
                page.wait_for_timeout(300)
                notebook.wait_for_state("Paused")
        notebook.wait_for_state("Running")
    assert page.evaluate(RUNS, number), "the cell ended before all controls were pressed"
    page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    page.wait_for_function(f"(n) => !({RUNS})(n)", arg=number, timeout=20000)
    return seconds


def measured(browser: Any) -> dict[str, Any]:
    """By what the cell does: milliseconds of each press, their median, what nine in ten stay under."""
    from tests.widgets.lab_notebook import Notebook
    from tests.widgets.server import running_lab
    from tests.widgets.test_browser_busy import LONG, SHOWN

    found = {}
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab:
        page = browser.new_page(viewport={"width": 1560, "height": 860})
        notebook = Notebook(lab, page, "busy", [SHOWN, *LONG.values()])
        notebook.open()
        notebook.command("notebook:run-cell-and-select-next")
        notebook.wait_for_state("Running")
        page.locator(".owl input.count").first.fill("3")
        for number, what in enumerate(LONG, start=1):
            ms = [round(1e3 * seconds, 1) for seconds in beside(notebook, number, lab.folder / "asked.txt")]
            nine_in_ten = statistics.quantiles(ms, n=10)[-1]
            found[what] = {"median": statistics.median(ms), "nine_in_ten": nine_in_ten, "all": ms}
            print(f"{what}: median {found[what]['median']:.0f} ms, nine in ten under {nine_in_ten:.0f} ms")
        page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/monitor_controls.json")
    args = parser.parse_args()
    quiet_blas()
    from playwright.sync_api import sync_playwright

    from tests.widgets.server import CHROMIUM_ARGS, find_chromium

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGS)
        found = measured(chromium)
        chromium.close()
    if args.store:
        print("stored", store("monitor_controls", {"unit": "milliseconds", "cells": found}))


if __name__ == "__main__":
    main()
