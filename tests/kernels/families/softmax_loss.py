"""Cases of the softmax loss kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.losses import BATCH_SIZE, FULL, NONE, VALID
from owlkit.kernels.softmax_loss import SoftmaxLoss
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: SoftmaxLoss, values: Values, ignore: bool = False) -> None:
    classes = spec.x.shape[spec.axis]
    rows = spec.x.count // classes
    x, p, dx = values.normal(spec.x), values.output("p", spec.x), values.output("dx", spec.x)
    targets = values.rng.integers(0, classes, rows)
    ignored = values.rng.random(rows) < 0.4 if ignore else None
    scalar = Descriptor((), wide(spec.x.dtype))
    loss, weight = values.output("loss", scalar), Tensor(scalar)
    weight.array[...] = 0.3
    labels = Given(targets, ignored, spec.x.dtype)
    kernel.forward(x, p, labels, loss)
    kernel.backward(p, labels, weight, dx)


class Given:
    """Labels in the memory order of scores in `dtype`; those to be ignored are -1."""

    def __init__(self, targets: np.ndarray, ignored: np.ndarray | None, dtype: str) -> None:
        self._targets, self._ignored = (
            np.where(ignored, 0, targets) if ignored is not None else targets,
            ignored,
        )
        self._tensor = Tensor(Descriptor(targets.shape, wide(dtype)))
        self._tensor.array[...] = targets if ignored is None else np.where(ignored, -1, targets)

    def targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        return self._targets, self._ignored

    def tensor(self) -> Tensor:
        return self._tensor


def _case(
    name: str, shape: tuple[int, ...], axis: int = 1, ignore: bool = False, mode: int = VALID, **options: Any
) -> Case:
    def spec(dtype: str) -> SoftmaxLoss:
        return SoftmaxLoss(layout(*shape, dtype=dtype), axis, -1 if ignore else None, mode)

    return Case(f"softmax_loss-{name}", spec, partial(_run, ignore=ignore), **options)


CASES = [
    _case("classes", (6, 10)),
    _case("many_classes", (3, 1000)),
    _case("ignored", (20, 5), ignore=True),
    _case("images", (2, 5, 3, 4)),
    _case("images_ignored", (2, 5, 3, 4), ignore=True),
    _case("many_positions", (2, 21, 130, 130), ignore=True, host_only=True),
    _case("last", (2, 3, 5), axis=2, ignore=True),
    _case("rows_ignored", (2, 5, 3, 4), axis=2, ignore=True, fast=False),
    _case("more_rows_than_a_block", (2, 21, 5, 7), ignore=True),
    _case("full", (20, 5), ignore=True, mode=FULL),
    _case("batch_size", (2, 5, 3, 4), ignore=True, mode=BATCH_SIZE),
    _case("not_normalized", (20, 33), mode=NONE),
    _case("sequence", (2, 5, 3), fast=False),
    _case("long_sequences", (2, 40, 7), ignore=True, fast=False),
]
