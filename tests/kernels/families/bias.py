"""Cases of the bias."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.bias import Bias
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Bias, values: Values) -> None:
    small = Descriptor(spec.x.shape[spec.axis : spec.axis + spec.num_axes], spec.x.dtype)
    x, b, dy = values.normal(spec.x), values.normal(small), values.normal(spec.x)
    kernel.forward(x, b, values.output("y", spec.x))
    kernel.forward(x, b, values.watch("in place", x))
    kernel.gradient(dy, values.output("db", small))


def _case(name: str, shape: tuple[int, ...], axis: int, axes: int, fast: bool = True) -> Case:
    return Case(
        f"bias-{name}",
        lambda dtype: Bias(layout(*shape, dtype=dtype), axis, axes),
        _run,
        fast=fast,
        tolerance=1e-5,
    )


CASES = [
    _case("channels", (2, 16, 4, 5), 1, 1),
    _case("many_rows", (9, 3, 24, 23), 1, 1),
    _case("vectors", (4, 5), 1, 1),
    _case("whole_packs_of_channels", (3, 64, 5, 4), 1, 1),
    _case("several_blocks", (1300, 5), 1, 1),
    _case("long_planes", (2, 3, 5000), 1, 1, fast=False),
    _case("rows_and_columns", (2, 3, 4, 5), 1, 2, fast=False),
    _case("planes", (2, 3, 4, 5), 2, 2, fast=False),
    _case("images", (2, 3, 4, 5), 0, 1, fast=False),
    _case("scalar", (2, 3, 4, 5), 0, 0, fast=False),
]
