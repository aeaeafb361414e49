"""Cases of PReLU."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.prelu import PReLU
from tests.kernels.cases import Case, Values, layout


def _slopes(spec: PReLU) -> Descriptor:
    return Descriptor(() if spec.shared else (spec.x.shape[1],), spec.x.dtype)


def _run(kernel: Any, spec: PReLU, values: Values) -> None:
    x, a, dy = values.normal(spec.x), values.normal(_slopes(spec)), values.normal(spec.x)
    kernel.forward(x, a, values.output("y", spec.x))
    kernel.backward(x, a, dy, values.output("dx", spec.x), values.output("da", _slopes(spec)))


def _in_place(kernel: Any, spec: PReLU, values: Values) -> None:
    x, kept, a = values.normal(spec.x), values.normal(spec.x), values.normal(_slopes(spec))
    kept.flat[...] = x.flat
    kernel.forward(x, a, values.watch("y", x))
    gradient = values.watch("dx", values.normal(spec.x))
    kernel.backward(kept, a, gradient, gradient, values.output("da", _slopes(spec)))


def _case(name: str, *shape: int, fast: bool = True, shared: bool = False, run: Any = _run) -> Case:
    return Case(
        f"prelu-{name}",
        lambda dtype: PReLU(layout(*shape, dtype=dtype), shared),
        run,
        fast=fast,
        tolerance=1e-5,
    )


CASES = [
    _case("images", 2, 16, 4, 5),
    _case("odd_channels", 3, 5, 7, 3),
    _case("in_place", 2, 16, 4, 5, run=_in_place),
    _case("shared", 2, 16, 4, 5, shared=True, fast=False),
    _case("vectors", 6, 32),
    _case("volumes", 2, 16, 3, 4, 5),
]
