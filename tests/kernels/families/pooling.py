"""Cases of the pooling kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.kernels.pooling import Pooling, Stochastic, make_stochastic
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Pooling, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.y)
    y, dx = values.output("y", spec.y), values.output("dx", spec.x)
    found = replace(spec.y, dtype=wide(spec.y.dtype))
    indices = values.output("indices", found) if spec.indices else None
    kernel.forward(x, y, indices)
    kernel.backward(dy, dx)


def _case(
    name: str, method: str, x: tuple[int, int], y: tuple[int, int], kernel: Any, stride: Any, pad: Any = 0,
    indices: bool = False, fast: bool = True, channels: int = 5, varies: bool = False,
) -> Case:  # fmt: skip
    def pair(value: Any) -> tuple[int, int]:
        return (value, value) if isinstance(value, int) else value

    def spec(dtype: str) -> Pooling:
        shapes = (layout(2, channels, *size, dtype=dtype) for size in (x, y))
        return Pooling(method, pair(kernel), pair(stride), pair(pad), *shapes, indices, varies=varies)

    return Case(f"pooling-{name}", spec, _run, fast=fast)


def _run_stochastic(kernel: Any, spec: Stochastic, values: Values) -> None:
    x, dy = values.normal(spec.x, low=0), values.normal(spec.y)
    y, dx = values.output("y", spec.y), values.output("dx", spec.x)
    kernel.uniform.array[...] = 1 - values.rng.random(spec.y.shape, np.float32)
    kernel.forward(x, y)
    kernel.backward(x, dy, dx)


def _stochastic(name: str, draws: bool, varies: bool = False) -> Case:
    def spec(dtype: str) -> Stochastic:
        shapes = (layout(2, 5, *size, dtype=dtype) for size in ((7, 9), (4, 4)))
        return Stochastic((3, 2), (2, 3), *shapes, draws=draws, varies=varies)

    return Case(f"pooling-{name}", spec, _run_stochastic, fast=False, make=make_stochastic)


CASES = [
    _stochastic("stochastic_train", True),
    _stochastic("stochastic_test", False),
    _stochastic("stochastic_train_varying", True, True),
    _stochastic("stochastic_test_varying", False, True),
    _case("max_varying", "max", (7, 9), (3, 6), (2, 4), (3, 2), (1, 2), varies=True),
    _case("max_varying_indices", "max", (6, 7), (4, 4), 3, 2, 1, indices=True, varies=True),
    _case("ave_varying", "ave", (10, 11), (4, 5), 5, 3, 2, varies=True, channels=37),
    _case("max", "max", (6, 8), (3, 4), 2, 2),
    _case("max_overlapping_overhang", "max", (8, 10), (4, 5), 3, 2),
    _case("max_pad", "max", (6, 7), (4, 4), 3, 2, 1),
    _case("max_whole_image", "max", (18, 20), (1, 1), (20, 22), 1, 1, indices=True),
    _case("ave_whole_image", "ave", (18, 20), (1, 1), (20, 23), 1, 1),
    _case("ave_most_of_an_image", "ave", (18, 20), (1, 1), (18, 20), 1, 1, fast=False),
    _case("max_many_channels", "max", (7, 7), (3, 3), 3, 2, channels=33),
    _case("max_one_channel", "max", (7, 7), (3, 3), 3, 2, channels=1),
    _case("max_not_square", "max", (7, 9), (3, 6), (2, 4), (3, 2), (1, 2)),
    _case("max_indices", "max", (6, 7), (4, 4), 3, 2, 1, indices=True),
    _case("max_indices_wide_channels", "max", (6, 7), (4, 4), 3, 2, 1, indices=True, channels=37),
    _case("max_indices_large_window", "max", (20, 21), (2, 3), 18, 2, 0, indices=True),
    _case("max_empty_window", "max", (9, 10), (4, 4), 2, 3, fast=False),
    _case("ave", "ave", (6, 8), (3, 4), 2, 2),
    _case("ave_overhang", "ave", (6, 8), (3, 4), 3, 2),
    _case("ave_overhang_cifar", "ave", (32, 32), (16, 16), 3, 2, channels=32),
    _case("ave_googlenet", "ave", (14, 14), (4, 4), 5, 3, channels=16),
    _case("ave_pad", "ave", (6, 7), (6, 7), 3, 1, 1),
    _case("ave_pad_overhang", "ave", (10, 11), (4, 5), 5, 3, 2),
    _case("ave_not_square", "ave", (7, 9), (3, 6), (2, 4), (3, 2), (1, 3)),
    _case("ave_pad_overhang_one_side", "ave", (6, 7), (4, 4), 3, 2, 1),
    _case("ave_overhang_where_not_padded", "ave", (8, 7), (4, 4), 3, 2, (0, 1)),
    _case("ave_empty_window", "ave", (9, 10), (4, 4), 2, 3, fast=False),
    _case("ave_global", "ave", (7, 7), (1, 1), 7, 1, channels=64),
]
