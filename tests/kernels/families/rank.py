"""Cases of the kernels that rank a label among scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor
from owlkit.kernels.rank import Rank
from tests.kernels.cases import Case, Values, layout
from tests.kernels.families.softmax_loss import Given


def _run(kernel: Any, spec: Rank, values: Values) -> None:
    classes = spec.x.shape[spec.axis]
    rows = spec.x.count // classes
    x, targets = values.normal(spec.x), values.rng.integers(0, classes, rows)
    x.flat[::17] = np.nan
    ignored = None if spec.ignore is None else values.rng.random(rows) < 0.4
    labels = Given(targets, ignored, spec.x.dtype)
    share, shares = (
        values.output(name, Descriptor(shape, wide(spec.x.dtype)))
        for name, shape in (("share", ()), ("shares", (classes,)))
    )
    kernel.forward(x, labels, share, shares)
    alone = values.output("alone", Descriptor((), wide(spec.x.dtype)))
    kernel.forward(x, labels, alone)


def _case(
    name: str, *shape: int, axis: int = 1, top_k: int = 1, ignore: int | None = None, host_only: bool = False
) -> Case:
    def spec(dtype: str) -> Rank:
        return Rank(layout(*shape, dtype=dtype), axis, top_k, ignore)

    return Case(f"rank-{name}", spec, _run, fast=False, host_only=host_only)


CASES = [
    _case("classes", 6, 10, top_k=4),
    _case("one_class", 4, 1),
    _case("as_many_as_a_byte_counts", 5, 127, top_k=60),
    _case("one_more", 5, 128, top_k=60),
    _case("many_classes", 3, 300, top_k=140),
    _case("images", 2, 5, 3, 4, top_k=2),
    _case("ignored", 20, 5, top_k=3, ignore=-1),
    _case("images_ignored", 2, 3, 9, 17, ignore=-1),
    _case("last", 2, 3, 5, axis=2, top_k=2),
    _case("many_positions", 2, 21, 120, 110, host_only=True),
]
