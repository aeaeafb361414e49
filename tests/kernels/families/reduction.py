"""Cases of the kernels of sums over the last axes."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.reduction import Reduction
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Reduction, values: Values) -> None:
    shape = spec.x.shape[: spec.axis]
    reduced = Descriptor(shape, spec.x.dtype, len(shape) == 4)
    x, dy = values.normal(spec.x), values.normal(reduced)
    kernel.forward(x, values.output("y", reduced))
    kernel.backward(x, dy, values.output("dx", spec.x))


def _case(name: str, operation: str, shape: tuple[int, ...], axis: int) -> Case:
    def spec(dtype: str) -> Reduction:
        return Reduction(operation, layout(*shape, dtype=dtype), axis, -0.5)

    return Case(f"reduction-{name}_{operation.lower()}", spec, _run, fast=False)


_OPERATIONS = ("SUM", "ASUM", "SUMSQ", "MEAN")
_SHAPES = {
    "rows": ((6, 10), 1),
    "everything": ((2, 5, 3, 4), 0),
    "images": ((3, 5, 3, 4), 1),
    "planes": ((2, 5, 3, 4), 2),
    "lines": ((2, 5, 3, 4), 3),
    "five_axes": ((2, 3, 2, 3, 4), 4),
}
#: Where one sum is shared by blocks or threads, for which MEAN is a SUM.
_LARGE = {
    "long_rows": ((3, 70_000), 1),
    "long": ((140_001,), 0),
    "wide_planes": ((2, 700, 8, 9), 2),
    "many_rows": ((900, 80), 1),
}
CASES = [
    *(_case(name, operation, *place) for name, place in _SHAPES.items() for operation in _OPERATIONS),
    *(_case(name, operation, *place) for name, place in _LARGE.items() for operation in _OPERATIONS[:3]),
]
