"""Cases of the dropout kernels; both implementations draw the same mask from the same generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor
from owlkit.kernels.dropout import Dropout
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Dropout, values: Values) -> None:
    x, dy = values.normal(spec.x), values.watch("dx", values.normal(spec.x))
    y = values.output("y", spec.x)
    kernel.draw(np.random.default_rng(3))
    kernel.forward(x, y)
    kernel.backward(dy, dy)


def _case(name: str, ratio: float) -> Case:
    return Case(f"dropout-{name}", lambda dtype: Dropout(Descriptor((7, 33), dtype), ratio), _run)


CASES = [_case("half", 0.5), _case("uneven", 0.7), _case("none", 0.0)]
