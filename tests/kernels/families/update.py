"""Cases of the solver's updates."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.update import SLOTS, Update
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Update, values: Values) -> None:
    diff = values.watch("diff", values.normal(spec.values))
    data = values.watch("data", values.normal(spec.values))
    history = tuple(
        values.watch(f"history {i}", values.normal(spec.values, 0.0)) for i in range(SLOTS[spec.rule])
    )
    for rate, scale, leave in ((0.5, 1.0, False), (0.25, 0.5, False), (0.125, 0.75, True)):
        kernel.set_factors(rate, scale, 0.125)
        kernel(data, diff, history, None, leave)


def _case(rule: str, name: str, count: int, **fields: Any) -> Case:
    return Case(
        f"update-{rule}_{name}",
        lambda dtype: Update(rule, Descriptor((count,), dtype), **fields),
        _run,
        tolerance=1e-5,  # squares, roots and quotients one after the other
    )


CASES = [
    _case(rule, name, count, **{"momentum": 0.9, "momentum2": 0.99, "rms_decay": 0.9, "delta": 1e-3} | fields)
    for rule in SLOTS
    for name, count, fields in (
        ("small", 1000, {}),
        ("l1", 1000, {"l1": True}),
        ("several_chunks", 300_000, {}),
    )
] + [_case("SGD", "no_momentum", 1000)]
