"""Cases of the elementwise functions."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.elementwise import Elementwise
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Elementwise, values: Values) -> None:
    x = values.normal(spec.x, low=0.25 if spec.kind in ("log", "power") else None)
    y, dy, dx = values.output("y", spec.x), values.normal(spec.x), values.output("dx", spec.x)
    kernel.forward(x, y)
    kernel.backward(x, y, dy, dx)


def _in_place(kernel: Any, spec: Elementwise, values: Values) -> None:
    """As a layer in place runs it: x is kept, y and both gradients share memory."""
    x, kept = values.normal(spec.x, low=0.25), values.normal(spec.x)
    kept.flat[...] = x.flat
    kernel.forward(x, values.watch("y", x))
    kernel.backward(kept, x, dx := values.watch("dx", values.normal(spec.x)), dx)


def _case(name: str, kind: str, fast: bool = True, run: Any = _run, **options: float) -> Case:
    def spec(dtype: str) -> Elementwise:
        return Elementwise(kind, layout(2, 3, 4, 5, dtype=dtype), **options)

    return Case(f"elementwise-{name}", spec, run, fast=fast, tolerance=1e-5)


CASES = [
    _case("abs", "abs"),
    _case("linear", "power", scale=2.0, shift=-1.0),
    _case("square", "power", alpha=2.0),
    _case("square_of_linear", "power", alpha=2.0, scale=-0.5, shift=3.0),
    _case("root", "power", alpha=0.5),
    _case("root_of_linear", "power", alpha=0.5, scale=2.0, shift=1.0),
    _case("root_in_place", "power", alpha=0.5, scale=2.0, shift=1.0, run=_in_place),
    _case("other_power", "power", alpha=-0.75, scale=2.0, shift=1.0, fast=False),
    _case("cube", "power", alpha=3.0, fast=False),
    _case("constant", "power", alpha=0.0, fast=False),
    _case("exp", "exp"),
    _case("exp_of_linear", "exp", scale=0.7, shift=0.5),
    _case("exp_in_place", "exp", scale=0.7, run=_in_place),
    _case("log", "log"),
    _case("log_of_linear", "log", scale=0.7, shift=0.5, factor=1.5),
    _case("log_in_place", "log", scale=0.7, shift=0.5, factor=1.5, run=_in_place),
    _case("bnll", "bnll"),
    _case("elu", "elu", alpha=0.5),
    _case("elu_negative", "elu", alpha=-0.5, fast=False),
    _case("swish", "swish", alpha=1.5),
    _case("swish_in_place", "swish", run=_in_place),
    _case("clip", "clip", alpha=-0.5, beta=0.75, fast=False),
    _case("threshold", "threshold", alpha=0.25, fast=False),
]
