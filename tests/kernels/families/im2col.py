"""Cases of im2col."""

from __future__ import annotations

import math
from typing import Any

from owlkit.kernels.im2col import Im2col
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Im2col, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.y)
    y, dx = values.output("y", spec.y), values.output("dx", spec.x)
    for _ in range(2):  # what one pass leaves behind must not reach the next
        kernel.forward(x, y)
        kernel.backward(dy, dx)


def _case(
    name: str,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    axis: int = 1,
    fast: bool = True,
) -> Case:
    axes = len(kernel)

    def spec(dtype: str) -> Im2col:
        sizes = zip(shape[axis + 1 :], kernel, strict=True)
        out = [(n + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for n, k in sizes]
        y = (*shape[:axis], shape[axis] * math.prod(kernel), *out)
        window = ((number,) * axes for number in (stride, pad, dilation))
        return Im2col(layout(*shape, dtype=dtype), layout(*y, dtype=dtype), axis, kernel, *window)

    return Case(f"im2col-{name}", spec, _run, fast=fast)


CASES = [
    _case("plain", (2, 3, 6, 7), (3, 2)),
    _case("padded", (3, 16, 5, 6), (3, 3), pad=1),
    _case("strided", (2, 5, 9, 8), (3, 3), stride=2, pad=1),
    _case("dilated", (2, 4, 9, 8), (3, 2), pad=2, dilation=2),
    _case("one_channel", (2, 1, 6, 7), (2, 2)),
    _case("volumes", (2, 3, 4, 5, 6), (2, 2, 3), pad=1, fast=False),
    _case("rows", (2, 3, 7), (3,), fast=False),
    _case("other_axis", (2, 3, 4, 7), (3,), axis=2, fast=False),
]
