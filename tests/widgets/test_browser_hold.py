"""What a person is doing in a live view, typing or dragging, is not lost when the run ends meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import PICTURE, Notebook, painted, standing, until, width

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = [
    "from fake_run import FakeRun\nimport owlkit",
    *(
        f"{name} = FakeRun('{name}', max_iter=100000)\nowlkit.monitor({name})\n{name}.start()\nNone"
        for name in ("typed", "dragged")
    ),
]
HELD = "e => e.isConnected && e === document.activeElement"


def end(notebook: Notebook, number: int, name: str) -> Any:
    """End a run from the kernel: nothing is clicked. Gives its view once its picture is in the cell."""
    stop = f"(code) => {{ {notebook.KERNEL}.requestExecute({{ code, silent: true }}); }}"
    notebook.page.evaluate(stop, f"{name}.stop()")
    owl = notebook.page.locator(".owl").nth(number)
    owl.locator(".pill", has_text="Stopped").wait_for()
    notebook.page.locator(PICTURE).nth(number).wait_for(state="attached")
    time.sleep(0.3)  # a view that is made anew would be there by now
    return owl


def iteration_at(page: Any, owl: Any, share: float) -> int:
    """What the legend reads out at a share of the plot's width."""
    area = standing(owl.locator(".u-over"))
    page.mouse.move(area["x"] + share * area["width"], area["y"] + area["height"] / 2)
    said = owl.locator(".leg .at", has_text="at ")
    said.wait_for()
    return int("".join(c for c in said.inner_text() if c.isdigit()))


def test_the_end_of_a_run_takes_nothing_out_of_hand(lab: Any, page: Any, shots: Path) -> None:
    page.set_viewport_size({"width": 1560, "height": 1200})
    notebook = Notebook(lab, page, "hold", CELLS)
    notebook.open()
    notebook.run_to_the_end()
    notebook.wait_for_iteration(60)

    rate = page.locator(".owl").first.get_by_role("textbox", name="Learning rate")
    rate.fill("0.00")
    field = rate.element_handle()
    first = end(notebook, 0, "typed")
    assert field.evaluate(HELD), "the keys went elsewhere"
    assert field.evaluate("e => e.value") == "0.00"

    second = page.locator(".owl").nth(1)
    area = standing(second.locator(".u-over"))
    left, middle, across = area["x"], area["y"] + area["height"] / 2, area["width"]
    page.mouse.move(left + 0.3 * across, middle)
    page.mouse.down()
    page.mouse.move(left + 0.4 * across, middle, steps=3)
    end(notebook, 1, "dragged")
    page.set_viewport_size({"width": 1500, "height": 1200})  # as a scroll bar that comes, or a side bar
    painted(page)
    page.mouse.move(left + 0.7 * across, middle, steps=3)
    page.mouse.up()
    second.locator(".overview").wait_for()
    whole = second.evaluate("e => e.clientWidth")
    until(lambda: width(second.locator(".uplot")) <= whole, "the plot follows afterwards")
    first_seen, last_seen = (iteration_at(page, second, share) for share in (0.01, 0.99))
    assert 1.8 < last_seen / first_seen < 2.8, "of what was dragged over, 0.3 to 0.7, a part is lost"
    assert first.locator(".overview").is_hidden(), "nobody dragged in the first"

    assert page.locator(".owl").count() == 2
    assert page.locator(".jp-OutputArea-child img:visible").count() == 0, "a picture beside the live view"
    page.screenshot(path=str(shots / "held-light.png"))
