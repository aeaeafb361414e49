"""Cases of the kernels that take and add rows by number."""

from __future__ import annotations

from functools import partial
from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.rows import Rows
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Rows, values: Values, chosen: int) -> None:
    table = Descriptor((spec.count, spec.width), spec.dtype)
    some = Descriptor((chosen, spec.width), spec.dtype)
    numbers = values.rng.integers(0, spec.count, chosen)
    kernel.take(values.normal(table).array, numbers, values.output("taken", some).array)
    kernel.add(values.watch("sums", values.normal(table)).array, numbers, values.normal(some).array)


def _case(name: str, count: int, width: int, chosen: int) -> Case:
    return Case(
        f"rows-{name}", lambda dtype: Rows(count, width, dtype), partial(_run, chosen=chosen), fast=False
    )


CASES = [
    _case("few", 5, 3, 8),
    _case("none", 5, 3, 0),
    _case("one_number", 1, 6, 9),
    _case("narrow", 40, 16, 300),
    _case("many_numbers", 70_000, 2, 50),
    _case("wide", 30, 700, 20),
    _case("items", 6, 60_000, 10),
]
