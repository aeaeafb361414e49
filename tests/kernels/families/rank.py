"""Cases of the kernels that rank a class among scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor
from owlkit.kernels.rank import Rank
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Rank, values: Values) -> None:
    classes = spec.x.shape[spec.axis]
    positions = spec.x.count // classes
    x, targets = values.normal(spec.x), values.rng.integers(0, classes, positions)
    x.flat[::17] = np.nan
    counts = values.output("below", Descriptor((positions,), spec.x.dtype))
    counts.array[...] = kernel.below(x, targets)


def _case(name: str, *shape: int) -> Case:
    return Case(f"rank-{name}", lambda dtype: Rank(layout(*shape, dtype=dtype), 1), _run, fast=False)


CASES = [
    _case("classes", 6, 10),
    _case("one_class", 4, 1),
    _case("as_many_as_a_byte_counts", 5, 127),
    _case("one_more", 5, 128),
    _case("many_classes", 3, 1000),
    _case("images", 2, 5, 3, 4),
    _case("many_positions", 2, 21, 120, 110),
]
