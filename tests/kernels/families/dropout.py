"""Cases of the dropout kernels; those on the CPU draw the same mask from the same generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dropout import Dropout
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Dropout, values: Values) -> None:
    x, dy = values.normal(spec.x), values.watch("dx", values.normal(spec.x))
    y = values.output("y", spec.x)
    kernel.draw(np.random.default_rng(3))
    kernel.forward(x, y)
    kernel.backward(dy, dy)


def _against_its_mask(kernel: Any, spec: Dropout, values: Values) -> None:
    """Whatever the mask is, all passes until the next draw use it; in float64 too, and past a tail."""
    kernel.restore({}, np.random.default_rng(3))
    kernel.draw(np.random.default_rng(3))
    ones, mask, y = (Tensor(spec.x) for _ in range(3))
    ones.flat[...] = 1
    kernel.forward(ones, mask)
    factor = mask.array.dtype.type(1 / (1 - spec.ratio))
    values.record("neither 0 nor the factor", (mask.array != 0) & (mask.array != factor))
    x, dx = values.normal(spec.x), values.normal(spec.x)
    kernel.forward(x, y)
    values.record("y", y.array - x.array * mask.array)
    before = dx.array.copy()
    kernel.backward(dx, dx)
    values.record("dx", dx.array - before * mask.array)


def _case(name: str, ratio: float, run: Any = _run, shape: tuple[int, ...] = (7, 33)) -> Case:
    return Case(
        f"dropout-{name}", lambda dtype: Dropout(Descriptor(shape, dtype), ratio), run, host_only=run is _run
    )


CASES = [
    _case("half", 0.5),
    _case("uneven", 0.7),
    _case("none", 0.0),
    _case("any_mask", 0.3, _against_its_mask),
    _case("any_mask_of_many", 0.5, _against_its_mask, (41, 103)),
]
