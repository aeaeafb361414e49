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

JS = Path(__file__).resolve().parents[2] / "widgets" / "js" / "src"
NODE = shutil.which("node")
VALUES = [
    0.0, 1e-9, 1e-7, 1e-5, 1.25e-5, 9.999e-5, 1e-4, 2.5e-4, 0.00123, 0.0349712, 0.43, 1.4578, 9.94, 9.96,
    48.1, 99.96, 999.96, 4211.0, 9999.96, 12346.0, 99999.0, 123456.0, 12345678.0, 2e20,
]  # fmt: skip
WRITERS: dict[str, Callable[[float], str]] = {
    "format.significant(x)": words.significant,
    "format.significant(-x, 2)": lambda value: words.significant(-value, 2),
    "format.compact(-x, 3)": lambda value: words.compact(-value, 3),
    "format.rate(x)": words.rate,
    "x < 1e19 ? format.rateField(x) : format.rate(x)": lambda x: (
        words.rate_field if x < 1e19 else words.rate
    )(x),
    "format.speed(x)": words.speed,
    "format.integer(x)": words.integer,
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


@pytest.mark.parametrize(
    "write", [words.significant, words.compact, words.rate, words.rate_field, words.speed, words.integer]
)
def test_what_is_unknown_is_an_en_dash(write: Any) -> None:
    assert write(None) == words.UNKNOWN


def test_what_is_no_number_is_told() -> None:
    assert [words.significant(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "Inf", "−Inf"]
