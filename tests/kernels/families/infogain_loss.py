"""Cases of the infogain loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.infogain_loss import InfogainLoss
from owlkit.kernels.losses import BATCH_SIZE, FULL, NONE, VALID
from tests.kernels.cases import Case, Values, layout
from tests.kernels.families.softmax_loss import Given


def _run(kernel: Any, spec: InfogainLoss, values: Values) -> None:
    classes, dtype = spec.x.shape[spec.axis], spec.x.dtype
    x, p = values.normal(spec.x), values.output("p", spec.x)
    h = values.normal(Descriptor((1, 1, classes, classes), dtype, True))
    targets = values.rng.integers(0, classes, spec.positions)
    ignored = None if spec.ignore is None else values.rng.random(targets.size) < 0.4
    labels = Given(targets, ignored, dtype)
    loss, weight = values.output("loss", Descriptor((), wide(dtype))), Tensor(Descriptor((), wide(dtype)))
    weight.array[...] = 0.3
    x.flat[: spec.x.shape[spec.axis]] -= np.linspace(0, 200, classes)  # probabilities below 1e-20
    kernel.forward(x, p, labels, h, loss)
    kernel.backward(p, labels, h, weight, values.output("dx", spec.x))


def _case(
    name: str, shape: tuple[int, ...], axis: int = 1, mode: int = VALID, ignore: int | None = None
) -> Case:
    def spec(dtype: str) -> InfogainLoss:
        return InfogainLoss(layout(*shape, dtype=dtype), axis, ignore, mode)

    return Case(f"infogain_loss-{name}", spec, _run, fast=False)


CASES = [
    _case("classes", (6, 10)),
    _case("many_classes", (3, 70), mode=NONE),
    _case("ignored", (20, 5), ignore=-1),
    _case("images", (2, 5, 3, 4), mode=BATCH_SIZE, ignore=-1),
    _case("last", (2, 3, 5), axis=2, mode=FULL, ignore=-1),
    _case("sequence", (2, 40, 3), ignore=-1),
    _case("rows", (2, 3, 5, 4), axis=2),
]
