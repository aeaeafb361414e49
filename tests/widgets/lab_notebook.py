"""A notebook in a real JupyterLab, as the tests marked `browser` see it.

Not called notebook.py: this folder is on the path of the server, which imports a package of that name.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).resolve().parents[2] / "widgets" / "js" / "node_modules" / "axe-core" / "axe.min.js"
# The image that stands in for a live widget: of the output after the mark that says so.
PICTURE = ".jp-OutputArea-child:has(.owl-image-follows) + .jp-OutputArea-child img"
GRAVE = ("serious", "critical")

# Pixels of the chart that have the colour of the train curve.
INK = """(token) => {
  const root = document.querySelector('.owl'), c = root.querySelector('.uplot canvas');
  const probe = document.createElement('i'); probe.style.color = `var(--owl-${token})`; root.append(probe);
  const want = getComputedStyle(probe).color.match(/\\d+/g).map(Number); probe.remove();
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 0; i < d.length; i += 4)
    if (d[i + 3] > 200 && want.every((v, k) => Math.abs(d[i + k] - v) < 24)) n++;
  return n; }"""


# A theme is there when JupyterLab has put back what it hid meanwhile, and has taken away the screen that it
# lays over all of it, which swallows the mouse for a fifth of a second after the colours have changed.
THEMED = """(light) => document.body.dataset.jpThemeLight === light
  && !document.querySelector('#jupyterlab-splash') && document.querySelector('#main').clientWidth > 0"""

# What stands where a widget would be.
NOT_FOUND = "Error displaying widget: model not found"
# How many widgets are in the page, those counted that are not found; none while one is looked for.
WIDGETS = """(missing) => {
  const outputs = [...document.querySelectorAll('.jp-OutputArea-output')];
  if (outputs.some((output) => output.textContent === 'Loading widget...')) return 0;
  const there = (output) => output.querySelector('.owl') || output.textContent === missing;
  return outputs.filter(there).length; }"""

# The box of an element, once it has been the same for some frames and a tenth of a second.
STANDING = """async (element) => {
  const box = () => { const b = element.getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round).join(); };
  const end = performance.now() + 20000;
  let [before, same, since] = ['', 0, 0];
  while (same < 4 || performance.now() - since < 100) {
    if (performance.now() > end) return `it moved for 20 s, at last at ${before}`;
    const now = element.isConnected ? box() : '';
    if (now !== before || !now || element.clientWidth === 0) [before, same, since] = [now, 0, performance.now()];
    else same++;
    await new Promise(requestAnimationFrame);
  }
  return ''; }"""  # noqa: E501
# What lies over the middle of an element, "" where nothing does.
COVER = """(element) => {
  const b = element.getBoundingClientRect();
  const top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
  return element.contains(top) ? '' : (top?.outerHTML ?? 'out of sight').slice(0, 100); }"""


class Notebook:
    """A notebook in JupyterLab, seen through the browser."""

    def __init__(self, lab: Any, page: Any, name: str, cells: list[str]) -> None:
        self.lab, self.page, self.path = lab, page, lab.folder / f"{name}.ipynb"
        self.url = f"{lab.url}/lab/tree/{name}.ipynb?token={lab.token}&reset"
        code = [
            {
                "cell_type": "code",
                "id": f"c{i}",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": s,
            }
            for i, s in enumerate(cells)
        ]
        spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        content = {"cells": code, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}
        self.path.write_text(json.dumps(content))

    def open(self) -> None:
        self.lab.begin(self.path.name)
        self.page.goto(self.url)
        self.page.wait_for_function(f"() => {self.KERNEL}?.status === 'idle'", timeout=120000)
        self.lab.start_ahead()
        if self.page.evaluate("() => document.body.dataset.jpThemeLight") == "false":
            self.theme("Light")  # a test before has left another

    def reload(self) -> None:
        """Load the page again, until the widgets of a kernel that lives are back.

        JupyterLab's widget manager looks for a widget for two seconds, and does not find one that comes at
        the end of them, though it is there.
        """
        shown = self.page.evaluate(WIDGETS, NOT_FOUND)
        assert shown, "no widget is there that could come back"
        for _ in range(5):
            self.page.goto(self.url)
            back = f"([missing, shown]) => ({WIDGETS})(missing) >= shown"
            self.page.wait_for_function(back, arg=[NOT_FOUND, shown], timeout=120000)
            if not self.page.get_by_text(NOT_FOUND).count():
                return
        raise AssertionError(f"{NOT_FOUND}, however often the page is loaded")

    KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"

    def command(self, name: str) -> None:
        self.page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)

    def run_all(self) -> None:
        """Start all cells, again until the first is taken: just opened, a notebook may forget the order."""
        for _ in range(6):
            self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
            end = time.monotonic() + 10
            while time.monotonic() < end:
                if self.page.locator(".jp-InputPrompt").first.inner_text().strip() != "[ ]:":
                    return
                time.sleep(0.05)
        raise AssertionError("JupyterLab does not run the notebook's cells")

    def run_to_the_end(self) -> None:
        """Run all cells, and wait until each has returned."""
        self.run_all()
        self.page.wait_for_function(
            f"""() => {self.KERNEL}.status === 'idle' && window.jupyterapp.shell.currentWidget.content.widgets
                .every((cell) => cell.model.executionCount !== null)""",
            timeout=120000,
        )

    def kernel_status(self) -> str:
        return str(self.page.evaluate(f"() => {self.KERNEL}.status"))

    def iteration(self) -> int:
        """Iteration in the header."""
        return int(
            "".join(c for c in self.page.locator(".owl .fig .v span").first.inner_text() if c.isdigit()) or 0
        )

    def wait_for_iteration(self, least: int, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while (found := self.iteration()) < least:
            assert time.monotonic() < end, f"iteration {found} after {timeout} s, expected {least}"
            time.sleep(0.1)
        return found

    def standing_iteration(self, seconds: float = 0.8) -> int:
        """The iteration in the header once it has been the same for so long: no point comes any more."""
        found, since = self.iteration(), time.monotonic()
        end = since + 40
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, f"iterations still come, now {found}"
            time.sleep(0.05)
            if (now := self.iteration()) != found:
                found, since = now, time.monotonic()
        return found

    def wait_for_state(self, word: str, timeout: float = 60.0) -> None:
        """Until the one monitor in that state, or on its way to it, says so."""
        self.page.locator(".owl .pill", has_text=word).wait_for(timeout=timeout * 1000)

    def theme(self, name: str) -> None:
        """Change the theme. The focus stays: JupyterLab hides all for a moment, in which it may be lost."""
        focus = self.page.evaluate_handle("() => document.activeElement")
        self.page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {name}",
        )
        light = "true" if name == "Light" else "false"
        self.page.wait_for_function(THEMED, arg=light, timeout=60_000)
        painted(self.page)
        for owl in self.page.locator(".owl:visible").all():
            still(owl)
        focus.evaluate("(element) => element.focus({ preventScroll: true })")

    def save(self) -> None:
        """Save the notebook, with what was done last: widgets tell the kernel of their view after 300 ms."""
        self.page.evaluate("() => new Promise((done) => setTimeout(done, 400))")
        self.command("docmanager:save")  # it returns when the file is written

    def ink(self, token: str = "train") -> int:
        return int(self.page.evaluate(INK, token))

    def rows(self) -> list[list[str]]:
        """The table view, newest row first."""
        self.page.get_by_role("button", name="Show as table").first.click()
        self.page.locator(".owl .tab tbody tr").first.wait_for()
        cells = "rows => rows.map(r => [...r.children].map(c => c.textContent))"
        rows: list[list[str]] = self.page.eval_on_selector_all(".owl .tab tbody tr", cells)
        self.page.get_by_role("button", name="Show as table").first.click()
        return rows


def run_all_in_notebook_7(page: Any) -> None:
    """By the menu, until it is taken: a notebook without a kernel yet forgets the order."""
    waiting = page.locator(".jp-InputPrompt", has_text="[ ]:")
    count = waiting.count()
    for _ in range(6):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if waiting.count() < count:
                return
            time.sleep(0.1)
    raise AssertionError("Notebook 7 does not run its cells")


def width(locator: Any) -> float:
    """Of an element in the page, px; not a number while it is laid out anew."""
    box = locator.bounding_box()
    return float(box["width"]) if box else math.nan


def painted(page: Any, frames: int = 3) -> None:
    """Wait until what was changed in the page is painted: drawing is left to one of the next frames."""
    frame = "await new Promise(requestAnimationFrame);"
    page.evaluate(f"async () => {{ for (let i = 0; i < {frames}; i++) {frame} }}")


def still(locator: Any) -> None:
    """Wait until an element stands still: what JupyterLab lays out anew moves for some frames."""
    moved = locator.evaluate(STANDING)
    assert not moved, moved


def standing(locator: Any) -> dict[str, float]:
    """The box {x, y, width, height} of an element in sight, once it stands still and nothing lies over it.

    Where the mouse is moved by places, this comes first.
    """
    locator.scroll_into_view_if_needed()
    still(locator)
    until(lambda: not locator.evaluate(COVER), "nothing lies over the middle of it")
    box: dict[str, float] = locator.bounding_box()
    return box


def drag(page: Any, over: Any, start: float, end: float, steps: int = 4) -> tuple[float, float, float]:
    """Drag along the middle of an element, from one share of its width to another; (left, middle, width)."""
    box = standing(over)
    left, middle, width = box["x"], box["y"] + box["height"] / 2, box["width"]
    page.mouse.move(left + start * width, middle)
    page.mouse.down()
    page.mouse.move(left + end * width, middle, steps=steps)
    page.mouse.up()
    return left, middle, width


def until(holds: Callable[[], object], told: str, seconds: float = 30.0) -> None:
    """Wait until something holds, however busy the machine is."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not after {seconds:.0f} s: {told}"
        time.sleep(0.05)


def shoot(owl: Any, path: Path) -> None:
    """A picture of a widget, as it is once it stands still and is painted; for people, who name a folder."""
    owl.scroll_into_view_if_needed()
    still(owl)
    painted(owl.page)
    if "OWLKIT_SCREENSHOTS" in os.environ:
        owl.screenshot(path=str(path))


def accessibility_findings(page: Any, selector: str = ".owl") -> list[str]:
    """What axe-core finds to be serious or critical within the widgets of that selector."""
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm ci in widgets/js")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(selector) => axe.run(selector).then((r) => r.violations)", selector)
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {[node['html'][:160] for node in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in GRAVE
    ]


def expect_count(locator: Any, count: int) -> None:
    """Wait until so many elements are there: what a click changes is painted in one of the next frames."""
    from playwright.sync_api import expect

    expect(locator).to_have_count(count, timeout=20_000)
