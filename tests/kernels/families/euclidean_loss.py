"""Cases of the kernels of squared differences."""

from __future__ import annotations

from typing import Any

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.euclidean_loss import EuclideanLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: EuclideanLoss, values: Values) -> None:
    a, b = values.normal(spec.x), values.normal(spec.x)
    difference = values.output("difference", spec.x)
    loss = values.output("loss", Descriptor((), wide(spec.x.dtype)))
    weight = Tensor(Descriptor((), wide(spec.x.dtype)))
    weight.array[...] = 0.3
    kernel.forward(a, b, difference, loss)
    kernel.backward(difference, weight, 1, values.output("da", spec.x))
    kernel.backward(difference, weight, -1, values.output("db", spec.x))


def _case(name: str, *shape: int) -> Case:
    return Case(
        f"euclidean_loss-{name}",
        lambda dtype: EuclideanLoss(layout(*shape, dtype=dtype), shape[0]),
        _run,
        fast=False,
    )


CASES = [
    _case("vectors", 6, 10),
    _case("images", 2, 3, 4, 5),
    _case("one", 1),
    _case("large", 3, 100_001),
]
