"""Cases of casts. The values are multiples of 1/64, so both types hold them exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from owlkit.kernels.cast import Cast
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Cast, values: Values) -> None:
    kernel.forward(values.normal(spec.x), values.output("y", replace(spec.x, dtype=spec.dtype)))


def _case(name: str, *shape: int, half_first: bool = False) -> Case:
    def spec(dtype: str) -> Cast:
        types = ("float16", dtype) if half_first else (dtype, "float16")
        return Cast(layout(*shape, dtype=types[0]), types[1])

    return Case(f"cast-{name}", spec, _run, fast=False)


CASES = [
    _case("to_half", 2, 3, 4, 5),
    _case("from_half", 2, 3, 4, 5, half_first=True),
    _case("one", 1),
    _case("with_a_tail", 1003, half_first=True),
    _case("many", 3, 7, 50, 60),
]
