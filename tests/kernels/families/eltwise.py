"""Cases of the elementwise combinations."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor
from owlkit.kernels.eltwise import Eltwise, make_addition
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Eltwise, values: Values) -> None:
    xs = [values.normal(spec.x, low=0.5 if not spec.stable else None) for _ in spec.coefficients]
    y, dy = values.output("y", spec.x), values.normal(spec.x)
    dxs = [values.output(f"dx{i}", spec.x) for i in range(len(xs))]
    kernel.forward(xs, y)
    kernel.backward(xs, y, dy, dxs)


def _in_place(kernel: Any, spec: Eltwise, values: Values) -> None:
    xs = [values.normal(spec.x) for _ in spec.coefficients]
    kernel.forward(xs, values.watch("y", xs[0]))


def _one_gradient(kernel: Any, spec: Eltwise, values: Values) -> None:
    xs = [values.normal(spec.x) for _ in spec.coefficients]
    y = values.output("y", spec.x)
    kernel.forward(xs, y)
    kernel.backward(xs, y, values.normal(spec.x), [None, values.output("dx1", spec.x)])


def _ties(kernel: Any, spec: Eltwise, values: Values) -> None:
    """Whole numbers: most places have a tie."""
    xs = [values.normal(spec.x) for _ in spec.coefficients]
    for x in xs:
        x.flat[...] = np.round(x.flat)
    y, dy = values.output("y", spec.x), values.normal(spec.x)
    kernel.forward(xs, y)
    kernel.backward(xs, y, dy, [values.output(f"dx{i}", spec.x) for i in range(len(xs))])


def _add(kernel: Any, spec: Descriptor, values: Values) -> None:
    kernel(values.watch("total", values.normal(spec)), values.normal(spec))


def _case(
    name: str, operation: str, *coefficients: float, fast: bool = True, run: Any = _run, **options: bool
) -> Case:
    def spec(dtype: str) -> Eltwise:
        return Eltwise(operation, coefficients, layout(2, 3, 4, 5, dtype=dtype), **options)

    return Case(f"eltwise-{name}", spec, run, fast=fast)


CASES = [
    _case("sum", "sum", 1.0, 1.0),
    _case("sum_relu", "sum", 1.0, 1.0, relu=True),
    _case("sum_of_three", "sum", 1.0, 1.0, 1.0),
    _case("sum_in_place", "sum", 1.0, 1.0, run=_in_place),
    _case("sum_of_three_in_place", "sum", 1.0, 1.0, 1.0, run=_in_place),
    _case("sum_of_one", "sum", 1.0),
    _case("difference", "sum", 1.0, -1.0),
    _case("weighted", "sum", 0.5, -2.0, 1.0),
    _case("one_gradient", "sum", 1.0, 1.0, run=_one_gradient),
    _case("prod", "prod", 1.0, 1.0),
    _case("prod_one_gradient", "prod", 1.0, 1.0, run=_one_gradient),
    _case("prod_of_three", "prod", 1.0, 1.0, 1.0, fast=False),
    _case("prod_unstable", "prod", 1.0, 1.0, fast=False, stable=False),
    _case("max", "max", 1.0, 1.0),
    _case("max_ties", "max", 1.0, 1.0, run=_ties),
    _case("max_of_three", "max", 1.0, 1.0, 1.0),
    _case("max_of_four_ties", "max", *(1.0,) * 4, run=_ties),
    _case("max_one_gradient", "max", 1.0, 1.0, run=_one_gradient),
    _case("sum_of_four_relu", "sum", *(1.0,) * 4, relu=True),
    _case("sum_of_many", "sum", *(1.0,) * 9),
    _case("weighted_of_many", "sum", *(0.5 * i - 2 for i in range(17)), fast=False),
    _case("prod_of_many_unstable", "prod", *(1.0,) * 9, fast=False, stable=False),
    _case("max_of_many_ties", "max", *(1.0,) * 10, run=_ties, fast=False),
    Case(
        "eltwise-addition", lambda dtype: layout(3, 5, 7, dtype=dtype), _add, fast=False, make=make_addition
    ),
    _case("weighted_relu", "sum", 0.5, -2.0, relu=True),
]
