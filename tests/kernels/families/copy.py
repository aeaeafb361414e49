"""Cases of the copy kernels."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.copy import Copy
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Copy, values: Values) -> None:
    kernel.forward(values.normal(spec.x), values.output("y", spec.y))


def _case(name: str, x: tuple[int, ...], y: tuple[int, ...], fast: bool = True) -> Case:
    def spec(dtype: str) -> Copy:
        return Copy(layout(*x, dtype=dtype), layout(*y, dtype=dtype))

    return Case(f"copy-{name}", spec, _run, fast=fast)


CASES = [
    _case("flatten", (2, 3, 4, 5), (2, 60)),
    _case("unflatten", (2, 60), (2, 3, 4, 5)),
    _case("flatten_tiles", (2, 35, 6, 7), (2, 35 * 42)),
    _case("unflatten_tiles", (2, 35 * 42), (2, 35, 6, 7)),
    _case("same", (2, 3, 4, 5), (2, 3, 4, 5)),
    _case("plain", (4, 6), (3, 8)),
    _case("between_images", (2, 3, 4, 5), (2, 4, 5, 3), fast=False),
    Case(
        "copy-plain_to_channels_last",
        lambda dtype: Copy(Descriptor((2, 3, 4, 5), dtype), layout(2, 3, 4, 5, dtype=dtype)),
        _run,
    ),
]
