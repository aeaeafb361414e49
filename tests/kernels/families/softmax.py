"""Cases of the softmax kernels."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.softmax import Softmax
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Softmax, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.x)
    y, dx = values.output("y", spec.x), values.output("dx", spec.x)
    kernel.forward(x, y)
    kernel.backward(y, dy, dx)


def _in_place(kernel: Any, spec: Softmax, values: Values) -> None:
    x, dy = values.watch("y", values.normal(spec.x)), values.watch("dx", values.normal(spec.x))
    kernel.forward(x, x)
    kernel.backward(x, dy, dy)


def _case(name: str, shape: tuple[int, ...], axis: int = 1, run: Any = _run, fast: bool = True) -> Case:
    return Case(f"softmax-{name}", lambda dtype: Softmax(layout(*shape, dtype=dtype), axis), run, fast=fast)


CASES = [
    _case("classes", (6, 10)),
    _case("many_classes", (3, 1000)),
    _case("in_place", (6, 10), run=_in_place),
    _case("vector", (7,), axis=0),
    _case("channels", (2, 5, 3, 4)),
    _case("rows", (2, 5, 3, 4), axis=2, fast=False),
    _case("columns", (2, 5, 3, 4), axis=3, fast=False),
    _case("images", (2, 5, 3, 4), axis=0, fast=False),
    _case("sequence", (2, 5, 3), fast=False),
    _case("last", (2, 5, 3), axis=2),
]
