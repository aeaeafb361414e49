"""Cases of the sigmoid's cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.kernels.sigmoid_loss import SigmoidLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: SigmoidLoss, values: Values) -> None:
    x, t = values.normal(spec.x), values.normal(spec.x, low=0)
    kernel.forward(x, t, values.output("cost", spec.x))
    kernel.backward(x, t, 0.25, values.output("dx", spec.x))


def _certain(kernel: Any, spec: SigmoidLoss, values: Values) -> None:
    """Logits of 10 to 80 with the right target: the large terms must cancel."""
    x, t = values.normal(spec.x, low=0), values.normal(spec.x)
    x.flat[...] = np.sign(t.flat) * (10 + 70 * x.flat)
    t.flat[...] = x.flat > 0
    kernel.forward(x, t, values.output("cost", spec.x))


def _case(name: str, *shape: int, run: Any = _run) -> Case:
    return Case(f"sigmoid_loss-{name}", lambda dtype: SigmoidLoss(layout(*shape, dtype=dtype)), run)


CASES = [_case("images", 2, 3, 4, 5), _case("certain", 40, 3, run=_certain)]
