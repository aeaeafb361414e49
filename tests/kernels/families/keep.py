"""Cases of small tensors kept beside."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import keep, masters
from tests.kernels.cases import Case, Values, layout

Spec = tuple[Descriptor, ...]


def _state(stopped: float) -> Tensor:
    state = Tensor(masters.STATE)
    state.array[...] = 1, 1, 0, 0, 0, stopped
    return state


def _copy(kernel: Any, spec: Spec, values: Values) -> None:
    """Written where nothing has stopped it, or whatever has; left alone otherwise."""
    sources = [values.normal(d) for d in spec]
    for name, state in {"going": _state(0), "stopped": _state(1), "always": None}.items():
        targets = [values.watch(f"{name} {i}", values.normal(d)) for i, d in enumerate(spec)]
        kernel.copy(sources, targets, state)


def _case(name: str, *shapes: tuple[int, ...], half: bool = False) -> Case:
    def spec(dtype: str) -> Spec:
        return tuple(layout(*shape, dtype="float16" if half else dtype) for shape in shapes)

    return Case(f"keep-{name}", spec, _copy, fast=False, make=keep.make)


CASES = [
    _case("averages", (4,), (5,), (1,), (2, 3, 7)),
    _case("an_odd_number_of_halves", (3, 5), (2,), half=True),
    _case("several_blocks", (3, 4001), (9,)),
]
