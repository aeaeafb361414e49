"""Cases of the kernels that find the highest values."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.device import Device
from owlkit.kernels.argmax import ArgMax, make
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: ArgMax, values: Values) -> None:
    x = values.normal(spec.x)
    x.flat[...] = np.round(x.flat * 4) / 4  # with ties
    if not spec.values:
        x.flat[::29], x.flat[1::31] = np.inf, -np.inf
    kernel.forward(x, values.output("y", spec.y))
    x.flat[::7] = np.nan
    values.record("few NaN", _indices(kernel, spec, x, values))
    x.flat[...] = np.round(values.normal(spec.x).flat)
    values.record("finite", _indices(kernel, spec, x, values))


def _indices(kernel: Any, spec: ArgMax, x: Any, values: Values) -> np.ndarray:
    y = values.normal(spec.y)
    kernel.forward(x, y)
    return np.nan_to_num(y.array, nan=-99, posinf=99, neginf=-88)


def _make(device: Device, spec: ArgMax) -> Any:
    """The implementation alone, but with any copy between layouts, which is another family's."""
    device.implementations = (*device.implementations, "reference")
    return make(device, spec)


def _case(name: str, shape: tuple[int, ...], top: tuple[int, ...], axis: int | None, **options: Any) -> Case:
    def spec(dtype: str) -> ArgMax:
        return ArgMax(layout(*shape, dtype=dtype), layout(*top, dtype=dtype), axis, **options)

    return Case(f"argmax-{name}", spec, _run, fast=False, make=_make)


CASES = [
    _case("rows", (6, 10), (6, 1, 1), None),
    _case("long_rows", (3, 300), (3, 1, 5), None, top_k=5),
    _case("images", (2, 3, 4, 5), (2, 1, 7, 1), None, top_k=7),
    _case("both", (3, 40), (3, 2, 5), None, top_k=5, values=True),
    _case("images_both", (2, 3, 4, 5), (2, 2, 7, 1), None, top_k=7, values=True),
    _case("values", (2, 21, 3, 4), (2, 2, 3, 4), 1, top_k=2, values=True),
    _case("channels", (2, 21, 3, 4), (2, 1, 3, 4), 1),
    _case("some_channels", (2, 21, 3, 4), (2, 18, 3, 4), 1, top_k=18),
    _case("lines", (2, 3, 4, 5), (2, 3, 2, 5), 2, top_k=2),
    _case("sequence", (2, 5, 7), (2, 2, 7), 1, top_k=2),
]
