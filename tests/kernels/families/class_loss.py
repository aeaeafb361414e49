"""Cases of the losses of one label per image."""

from __future__ import annotations

from typing import Any

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.class_loss import ClassLoss
from tests.kernels.cases import Case, Values, layout
from tests.kernels.families.softmax_loss import Given


def _run(kernel: Any, spec: ClassLoss, values: Values) -> None:
    images, classes = spec.rows
    x = values.normal(spec.x, low=-0.25 if spec.kind == "log" else None)
    labels = Given(values.rng.integers(0, classes, images), None, spec.x.dtype)
    scalar = Descriptor((), wide(spec.x.dtype))
    loss, weight = values.output("loss", scalar), Tensor(scalar)
    weight.array[...] = 0.3
    x.array[0].reshape(-1)[...] = 0.5 if spec.kind == "log" else 0
    kernel.forward(x, labels, loss)
    kernel.backward(x, labels, weight, values.output("dx", spec.x))


def _case(name: str, kind: str, *shape: int) -> Case:
    return Case(
        f"class_loss-{name}_{kind}",
        lambda dtype: ClassLoss(kind, layout(*shape, dtype=dtype)),
        _run,
        fast=False,
    )


CASES = [
    _case(name, kind, *shape)
    for name, shape in {
        "few": (6, 10),
        "many": (5, 100),
        "images": (7, 3, 2, 5),
        "sequence": (2, 3, 7),
    }.items()
    for kind in ("hinge", "squared_hinge", "log")
]
