"""Cases of the activation kernels."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.activation import Activation
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Activation, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.x)
    y, dx = values.output("y", spec.x), values.output("dx", spec.x)
    kernel.forward(x, y)
    kernel.backward(y, dy, dx)


def _in_place(kernel: Any, spec: Activation, values: Values) -> None:
    x, dy = values.watch("y", values.normal(spec.x)), values.watch("dx", values.normal(spec.x))
    kernel.forward(x, x)
    kernel.backward(x, dy, dy)


def _spec(kind: str, slope: float = 0.0) -> Any:
    return lambda dtype: Activation(kind, layout(2, 3, 5, 4, dtype=dtype), slope)


CASES = [
    Case("activation-relu", _spec("relu"), _run),
    Case("activation-relu_slope", _spec("relu", 0.25), _run),
    Case("activation-relu_in_place", _spec("relu"), _in_place),
    Case("activation-sigmoid", _spec("sigmoid"), _run),
    Case("activation-tanh", _spec("tanh"), _run, tolerance=5e-6),
]
