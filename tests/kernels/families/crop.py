"""Cases of cropping."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.crop import Crop
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Crop, values: Values) -> None:
    kernel.forward(values.normal(spec.x), values.output("y", spec.y))
    kernel.backward(values.normal(spec.y), values.output("dx", spec.x))


def _case(name: str, x: tuple[int, ...], y: tuple[int, ...], offsets: tuple[int, ...]) -> Case:
    def spec(dtype: str) -> Crop:
        return Crop(layout(*x, dtype=dtype), layout(*y, dtype=dtype), offsets)

    return Case(f"crop-{name}", spec, _run, fast=False)


CASES = [
    _case("planes", (2, 3, 6, 7), (2, 3, 4, 5), (0, 0, 1, 2)),
    _case("channels", (2, 5, 4, 3), (2, 3, 4, 3), (0, 1, 0, 0)),
    _case("all_axes", (4, 5, 6, 7), (2, 3, 5, 1), (1, 2, 0, 6)),
    _case("nothing", (2, 3, 4), (2, 3, 4), (0, 0, 0)),
    _case("vector", (9,), (4,), (5,)),
    _case("volume", (2, 3, 5, 6, 4), (2, 3, 2, 3, 4), (0, 0, 3, 1, 0)),
]
