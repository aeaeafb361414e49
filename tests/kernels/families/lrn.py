"""Cases of the LRN kernels."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.lrn import LRN
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: LRN, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.x)
    y, dx = values.output("y", spec.x), values.output("dx", spec.x)
    kernel.forward(x, y)
    kernel.backward(x, y, dy, dx)


def _case(name: str, channels: int, *numbers: Any, fast: bool = True) -> Case:
    return Case(
        f"lrn-{name}", lambda dtype: LRN(layout(2, channels, 6, 7, dtype=dtype), *numbers), _run, fast=fast
    )


CASES = [
    _case("alexnet", 8, 5, 1e-4, 0.75, 1.0),
    _case("strong", 33, 5, 0.5, 0.75, 2.0),
    _case("three", 16, 3, 0.5, 0.75, 1.0),
    _case("blocks", 64, 5, 0.5, 0.75, 1.0),
    _case("wider_than_channels", 3, 9, 2.0, 0.75, 1.0),
    _case("other_beta", 7, 3, 0.5, 0.6, 2.0, fast=False),
    _case("within", 3, 5, 3.0, 0.5, 1.0, True),
    _case("within_three", 32, 3, 5e-5, 0.75, 1.0, True),
    _case("within_other_beta", 5, 3, 2.0, 0.6, 1.0, True),
]
