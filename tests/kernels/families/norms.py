"""Cases of norms."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.norms import Norms
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Norms, values: Values) -> None:
    tensors = [values.normal(descriptor) for descriptor in spec.values]
    values.record("norms", kernel(tensors))
    tensors[0].zero()
    values.record("and again", kernel(tensors))


def _case(name: str, *shapes: tuple[int, ...]) -> Case:
    return Case(
        f"norms-{name}", lambda dtype: Norms(tuple(layout(*s, dtype=dtype) for s in shapes)), _run, fast=False
    )


CASES = [
    _case("one", (7,)),
    _case("more_than_a_chunk", (3, 100_000)),
    _case("several", (20, 1, 5, 5), (20,), (500, 11), (1,), (3, 4, 5)),
]
