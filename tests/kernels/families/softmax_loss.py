"""Cases of the softmax loss kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.softmax_loss import SoftmaxLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: SoftmaxLoss, values: Values, ignore: bool = False) -> None:
    classes = spec.x.shape[spec.axis]
    rows = spec.x.count // classes
    x, p, dx = values.normal(spec.x), values.output("p", spec.x), values.output("dx", spec.x)
    targets = values.rng.integers(0, classes, rows)
    ignored = values.rng.random(rows) < 0.4 if ignore else None
    loss = values.output("loss", Descriptor((), spec.x.dtype))
    loss.array[...] = kernel.forward(x, p, targets, ignored)
    kernel.backward(p, 0.3, dx)


def _case(name: str, shape: tuple[int, ...], axis: int = 1, ignore: bool = False, fast: bool = True) -> Case:
    def spec(dtype: str) -> SoftmaxLoss:
        return SoftmaxLoss(layout(*shape, dtype=dtype), axis)

    return Case(f"softmax_loss-{name}", spec, partial(_run, ignore=ignore), fast=fast)


CASES = [
    _case("classes", (6, 10)),
    _case("many_classes", (3, 1000)),
    _case("ignored", (20, 5), ignore=True),
    _case("images", (2, 5, 3, 4)),
    _case("images_ignored", (2, 5, 3, 4), ignore=True),
    _case("many_positions", (2, 21, 130, 130), ignore=True),
    _case("last", (2, 3, 5), axis=2, ignore=True),
    _case("rows_ignored", (2, 5, 3, 4), axis=2, ignore=True, fast=False),
    _case("sequence", (2, 5, 3), fast=False),
]
