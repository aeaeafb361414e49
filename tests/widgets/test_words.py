"""Numbers in still pictures: written as the browser writes them."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from owlkit_widgets import words
from owlkit_widgets.picture_chart import log_ticks

JS = Path(__file__).resolve().parents[2] / "widgets" / "js" / "src"
NODE = shutil.which("node")
VALUES = [
    0.0, 1e-9, 1e-7, 1e-5, 1.25e-5, 9.999e-5, 1e-4, 2.5e-4, 0.00123, 0.0349712, 0.43, 1.4578, 9.94, 9.96,
    48.1, 99.96, 999.96, 4211.0, 9999.96, 12346.0, 99999.0, 123456.0, 12345678.0, 2e20, 1.3e-14,
    0.0625, 0.125, 2.0625, 2.5, 0.9825,  # in the middle: Python's own go to the even digit
]  # fmt: skip
WRITERS: dict[str, Callable[[float], str]] = {
    "format.significant(x)": words.significant,
    "format.significant(-x, 2)": lambda value: words.significant(-value, 2),
    "format.compact(-x, 3)": lambda value: words.compact(-value, 3),
    "format.rate(x)": words.rate,
    "format.rateField(x)": words.rate_field,
    "format.lossTick(x || 1, {})": lambda value: words.log_tick(value or 1.0),
    "format.speed(x)": words.speed,
    "format.integer(x)": words.integer,
    "format.percent(Math.min(x, 1))": lambda value: words.percent(min(value, 1.0)),
    "format.duration(Math.min(x, 1e6))": lambda value: words.duration(min(value, 1e6)),
    "layers.logRatio(-x)": lambda value: words.log_ratio(-value),
    "layers.size(x, 3)": lambda value: words.norm(value, 3),
    "gradients.error(x)": lambda value: _error(value),
}


def _error(value: float) -> str:
    from owlkit_widgets.gradient_picture import _error as error

    return error(value)


@pytest.mark.skipif(NODE is None, reason="needs node on PATH")
def test_pictures_write_numbers_as_the_browser_does() -> None:
    modules = {"format": "format.js", "layers": "layers-text.js", "gradients": "gradients-text.js"}
    code = "".join(f"import * as {name} from {json.dumps(str(JS / file))};" for name, file in modules.items())
    code += f"const values = {json.dumps(VALUES)};"
    code += f"console.log(JSON.stringify([{', '.join(f'values.map((x) => {call})' for call in WRITERS)}]));"
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for (call, write), browser in zip(WRITERS.items(), json.loads(done.stdout), strict=True):
        assert [write(value) for value in VALUES] == browser, call


RANGES = [(0.02, 0.9), (0.3, 4.0), (1e-7, 3.0), (2e-14, 5e3), (0.31, 0.33)]


@pytest.mark.skipif(NODE is None, reason="needs node on PATH")
def test_logarithmic_axes_have_the_ticks_of_the_browser() -> None:
    code = f"import {{ logTicks }} from {json.dumps(str(JS / 'ranges.js'))};"
    code += f"console.log(JSON.stringify({json.dumps(RANGES)}.map(([lo, hi]) => logTicks(lo, hi))));"
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", code], capture_output=True, text=True, check=True
    )
    assert [log_ticks(*ends) for ends in RANGES] == json.loads(done.stdout)


OF_UNKNOWN = [words.significant, words.compact, words.rate, words.rate_field, words.speed, words.integer]


@pytest.mark.parametrize("write", [*OF_UNKNOWN, words.percent])
def test_what_is_unknown_is_an_en_dash(write: Any) -> None:
    assert write(None) == words.UNKNOWN


def test_what_is_no_number_is_told() -> None:
    assert [words.significant(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "Inf", "−Inf"]
    for write in (words.integer, words.speed, words.percent, words.rate):
        assert write(math.nan) == words.UNKNOWN


def test_ticks_are_told_apart() -> None:
    """matplotlib has steps of 2.5, for which one decimal is too few."""
    assert [words.loss_tick(tick, [1.25, 1.5, 1.75, 2.0]) for tick in (1.25, 2.0)] == ["1.25", "2.00"]
    assert [words.loss_tick(tick, [0, 0.5, 1.0]) for tick in (0, 0.5)] == ["0", "0.5"]
    assert [words.loss_tick(tick, [0, 2.5e5, 5e5]) for tick in (0, 2.5e5)] == ["0", "2.5\u202f×\u202f10⁵"]
    assert words.loss_tick(1.025e-5, [1e-5, 1.025e-5]) == "1.025\u202f×\u202f10⁻⁵"
    assert words.loss_tick(-20000, [-20000, 0, 20000]) == "−20\u202f000"
    assert words.loss_tick(2.0, [2.0]) == "2"
