"""Cases of the sigmoid's cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.losses import BATCH_SIZE, FULL, VALID
from owlkit.kernels.sigmoid_loss import SigmoidLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: SigmoidLoss, values: Values) -> None:
    x, t = values.normal(spec.x), values.normal(spec.x, low=0)
    if spec.ignore is not None:
        t.flat[::3] = spec.ignore
    _pass(kernel, spec, values, x, t)


def _certain(kernel: Any, spec: SigmoidLoss, values: Values) -> None:
    """Logits of 10 to 80 with the right target: the large terms must cancel."""
    x, t = values.normal(spec.x, low=0), values.normal(spec.x)
    x.flat[...] = np.sign(t.flat) * (10 + 70 * x.flat)
    t.flat[...] = x.flat > 0
    _pass(kernel, spec, values, x, t)


def _pass(kernel: Any, spec: SigmoidLoss, values: Values, x: Tensor, t: Tensor) -> None:
    one = Descriptor((), wide(spec.x.dtype))
    weight = Tensor(one)
    weight.array[...] = 0.25
    kernel.forward(x, t, values.output("loss", one))
    kernel.backward(x, t, weight, values.output("dx", spec.x))


def _case(name: str, *shape: int, run: Any = _run, options: tuple[Any, ...] = (), **case: Any) -> Case:
    def spec(dtype: str) -> SigmoidLoss:
        return SigmoidLoss(layout(*shape, dtype=dtype), *options)

    return Case(f"sigmoid_loss-{name}", spec, run, **case)


CASES = [
    _case("images", 2, 3, 4, 5),
    _case("certain", 40, 3, run=_certain, tolerance=5e-5),
    _case("ignored", 7, 100, options=(-1, VALID)),
    _case("batch_size", 7, 100, options=(-1, BATCH_SIZE, 7)),
    _case("full", 7, 100, options=(-1, FULL)),
]
