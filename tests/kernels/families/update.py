"""Cases of the solver's update."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.update import Momentum, make_sgd
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Momentum, values: Values) -> None:
    diff = values.normal(spec.values)
    data = values.watch("data", values.normal(spec.values))
    history = values.watch("history", values.normal(spec.values))
    for rate in (0.5, 0.25):
        kernel(data, diff, history, rate, 0.125)


def _case(name: str, count: int, momentum: float) -> Case:
    return Case(
        f"update-{name}", lambda dtype: Momentum(Descriptor((count,), dtype), momentum), _run,
        make=lambda device, spec: make_sgd(device, spec.values, spec.momentum),
    )  # fmt: skip


CASES = [
    _case("momentum", 1000, 0.9),
    _case("no_momentum", 1000, 0.0),
    _case("several_chunks", 1_200_000, 0.9),
]
