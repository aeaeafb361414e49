"""Several runs in one monitor, in a real JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import Notebook, accessibility_findings, expect_count, shoot, standing, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

OLD = """import owlkit
from fake_run import FakeRun
def ended(name, more, iterations=1500):
    run = FakeRun(name, max_iter=iterations, seconds=0.0, test_interval=100)
    run.loss = lambda i: more + FakeRun.loss(run, i)
    run.start().wait()
    return run
caffenet, other = ended("caffenet", 0.3), ended("squeezenet", 0.6, 900)"""

NEW = """run = FakeRun("caffenet-bn", max_iter=2000, seconds=0.002, test_interval=100, rest_at=850)
owlkit.monitor(run, "caffenet")
run.start()
"the cell has returned" """

DASHED = """(k) => getComputedStyle(document.querySelectorAll('.owl .runline .sw path')[k]).strokeDasharray"""


def legend(page: Any, key: str) -> list[str]:
    """Values of a row of the legend, run by run."""
    found: list[str] = page.locator(f'.owl .leg [data-series="{key}"] .val').all_inner_texts()
    return found


def test_runs_are_laid_over_one_another(lab: Any, page: Any, shots: Path) -> None:
    notebook = Notebook(lab, page, "overlay", [OLD, NEW])
    notebook.open()
    notebook.run_to_the_end()
    owl = page.locator(".owl").first
    owl.locator(".uplot canvas").wait_for(timeout=60000)
    two_runs(notebook, owl)
    one_cursor(page, owl, shots)
    switched_off(notebook, owl)
    a_third_one(notebook, owl, shots)
    after_a_reload(notebook, owl)
    narrow(page, owl, shots)


def two_runs(notebook: Notebook, owl: Any) -> None:
    page = notebook.page
    notebook.wait_for_iteration(500)
    assert owl.locator(".runname").all_inner_texts() == ["A caffenet-bn", "B caffenet"]
    assert page.evaluate(DASHED, 0) == "none"
    assert page.evaluate(DASHED, 1) == "6px, 4px"
    a, b = legend(page, "train")
    assert float(b) > float(a), "the run laid under is read out in its own column"
    owl.get_by_role("button", name="Pause").click()
    notebook.wait_for_state("Paused")
    assert 500 <= notebook.standing_iteration() <= 850


def one_cursor(page: Any, owl: Any, shots: Path) -> None:
    """It reads both out; beyond the end of the run in front only the other has values."""
    area = standing(owl.locator(".u-over"))
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.25, middle)
    owl.locator(".leg .at", has_text="at ").wait_for()
    expect_count(owl.locator(".cursor-dot:visible"), 2)
    shoot(owl, shots / "overlay-light.png")
    area = standing(owl.locator(".u-over"))
    page.mouse.move(area["x"] + area["width"] * 0.8, area["y"] + area["height"] / 2)
    until(lambda: legend(page, "train")[0] == "–", "the run in front has no value there")
    assert float(legend(page, "train")[1]) > 0
    page.mouse.move(5, 5)


def switched_off(notebook: Notebook, owl: Any) -> None:
    """A switch takes a run's curves away."""
    before = notebook.ink("train")
    other = owl.get_by_role("switch", name="B caffenet")
    other.click()
    until(lambda: other.get_attribute("aria-checked") == "false", "it is switched off")
    until(lambda: notebook.ink("train") != before, "its curve is gone")
    other.click()
    until(lambda: notebook.ink("train") == before, "its curve is back")


def a_third_one(notebook: Notebook, owl: Any, shots: Path) -> None:
    """Another one is added from the list of this kernel's runs, by keys alone."""
    page = notebook.page
    owl.get_by_role("button", name="compare with another run").focus()
    page.keyboard.press("Enter")
    owl.get_by_role("dialog", name="Compare with another run").wait_for()
    shoot(owl, shots / "overlay-picker-light.png")
    assert not accessibility_findings(page)
    page.keyboard.press("Enter")
    owl.get_by_role("switch", name="C squeezenet").wait_for()
    until(lambda: len(legend(page, "train")) == 3, "values of three runs")
    shoot(owl, shots / "overlay-three-light.png")
    notebook.theme("Dark")
    shoot(owl, shots / "overlay-three-dark.png")
    assert not accessibility_findings(page)
    notebook.theme("Light")


def after_a_reload(notebook: Notebook, owl: Any) -> None:
    """All of it is there. Put in front, a run has header and controls; taken away, it is gone."""
    page = notebook.page
    notebook.save()
    notebook.reload()
    owl.locator(".uplot canvas").wait_for(timeout=120000)
    owl.get_by_role("switch", name="C squeezenet").wait_for()
    at = notebook.wait_for_iteration(500)
    owl.locator(".runline", has_text="C squeezenet").hover()
    owl.get_by_role("button", name="Take squeezenet away").click()
    owl.get_by_role("switch", name="C squeezenet").wait_for(state="detached")
    owl.get_by_role("button", name="Learning rate × 0.1").click()
    undo = owl.get_by_role("button", name="undo")
    undo.wait_for()
    owl.locator(".runline", has_text="B caffenet").hover()
    owl.get_by_role("button", name="Put caffenet in front").click()
    owl.get_by_role("switch", name="A caffenet", exact=True).wait_for()
    assert not undo.count(), "it was offered for the run that was in front"
    notebook.wait_for_state("Finished")
    assert owl.locator(".hd .name").inner_text() == "caffenet"
    assert notebook.wait_for_iteration(1500) == 1500
    owl.get_by_role("button", name="Put caffenet-bn in front").focus()
    page.keyboard.press("Enter")
    notebook.wait_for_state("Paused")
    owl.get_by_role("button", name="Resume").click()
    notebook.wait_for_iteration(at + 20)


def narrow(page: Any, owl: Any, shots: Path) -> None:
    """A row per run beneath the chart."""
    page.set_viewport_size({"width": 1100, "height": 860})
    runs, chart = owl.locator(".runs"), owl.locator(".uplot")

    def below() -> bool:
        above, here = chart.bounding_box(), runs.bounding_box()  # None while the view is laid out anew
        return bool(above and here and here["y"] >= above["y"] + above["height"])

    until(below, "the runs beneath the chart")
    shoot(owl, shots / "overlay-narrow-light.png")
