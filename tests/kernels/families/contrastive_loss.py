"""Cases of the loss on the distances of pairs."""

from __future__ import annotations

from typing import Any

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.contrastive_loss import ContrastiveLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: ContrastiveLoss, values: Values) -> None:
    a, b = values.normal(spec.x), values.normal(spec.x)
    b.array[1] = a.array[1]
    s = values.normal(Descriptor(spec.x.shape[:1], wide(spec.x.dtype)))
    s.array[:4] = 0, 0.5, 1, -2
    scalar = Descriptor((), wide(spec.x.dtype))
    loss, weight = values.output("loss", scalar), Tensor(scalar)
    weight.array[...] = 0.3
    kernel.forward(a, b, s, loss)
    kernel.backward(weight, 1, values.output("da", spec.x))
    kernel.backward(weight, -1, values.output("db", spec.x))


def _case(name: str, *shape: int, margin: float = 2.5, legacy: bool = False) -> Case:
    def spec(dtype: str) -> ContrastiveLoss:
        return ContrastiveLoss(layout(*shape, dtype=dtype), margin, legacy)

    return Case(f"contrastive_loss-{name}", spec, _run, fast=False)


CASES = [
    _case("few", 11, 3),
    _case("legacy", 11, 3, margin=6, legacy=True),
    _case("long", 6, 70, margin=12),
    _case("images", 9, 4, 1, 1),
]
