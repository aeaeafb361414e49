"""Cases of weights in float32 beside half precision, and of the scale of a loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import masters
from owlkit.kernels.masters import Masters
from tests.kernels.cases import Case, Values, layout


def _spec(*shapes: tuple[int, ...], wide: tuple[int, ...] = ()) -> Masters:
    """Weights of these shapes; those numbered in `wide` have working ones in float32."""
    types = ["float32" if i in wide else "float16" for i in range(len(shapes))]
    return Masters(
        tuple(layout(*shape) for shape in shapes),
        tuple(layout(*shape, dtype=dtype) for shape, dtype in zip(shapes, types, strict=True)),
    )


def _state(scale: float, found: float = 0, streak: float = 0, stopped: float = 0) -> Tensor:
    state = Tensor(masters.STATE)
    state.array[...] = scale, 1 / scale, found, streak, 3, stopped
    return state


def _narrow(kernel: Any, spec: Masters, values: Values) -> None:
    halves = [(m, w) for m, w in zip(spec.masters, spec.working, strict=True) if w.dtype != "float32"]
    working = [values.output(f"working {i}", w) for i, (_, w) in enumerate(halves)]
    kernel.narrow([values.normal(m) for m, _ in halves], working)


def _widen(kernel: Any, spec: Masters, values: Values) -> None:
    working = [values.normal(w) for w in spec.working]
    targets = [values.watch(f"master {i}", values.normal(m)) for i, m in enumerate(spec.masters)]
    state = values.watch("state", _state(4))
    adds = [i % 2 == 0 for i in range(len(targets))]
    kernel.widen(working, targets, adds, state)
    kernel.widen(working[:1], targets[:1], [True], None)


def _find(kernel: Any, spec: Masters, values: Values) -> None:
    """One value that is not finite among many is found, wherever it lies."""
    for place, wrong in ((0, np.inf), (-1, np.nan), (40_001, -np.inf)):
        working = [values.normal(w) for w in spec.working]
        working[-1].flat[place] = wrong
        state = values.watch(f"state {place}", _state(2))
        kernel.widen(working, [Tensor(m) for m in spec.masters], [False] * len(working), state)


def _follow(kernel: Any, spec: Descriptor, values: Values) -> None:
    starts = {
        "good": (64, 0, 5), "many good": (64, 0, masters.PATIENCE - 1), "wrong": (64, 1, 9),
        "least": (masters.LEAST, 1, 0), "most": (masters.MOST, 0, masters.PATIENCE),
        "stopped": (64, 1, 9, 1),
    }  # fmt: skip
    for name, start in starts.items():
        kernel.follow(values.watch(name, _state(*start)))
    diff = values.watch("diff", values.normal(layout(7)))
    kernel.rescale(diff, _state(8), masters.SCALE)
    kernel.rescale(diff, _state(16), masters.INVERSE)


def _judge(kernel: Any, spec: str, values: Values) -> None:
    for name, value in {"good": 3e38, "inf": np.inf, "nan": np.nan}.items():
        loss = Tensor(Descriptor((), spec))
        loss.flat[...] = value
        kernel.judge(loss, values.watch(name, _state(2)))


_SHAPES = ((20, 1, 5, 5), (20,), (500, 11), (1,), (3, 40_003))

CASES = [
    Case("masters-narrow", lambda dtype: _spec(*_SHAPES), _narrow, fast=False),
    Case("masters-narrow_some", lambda dtype: _spec(*_SHAPES, wide=(1, 4)), _narrow, fast=False),
    Case("masters-widen", lambda dtype: _spec(*_SHAPES), _widen, fast=False),
    Case("masters-widen_both", lambda dtype: _spec(*_SHAPES, wide=(0, 4)), _widen, fast=False),
    Case("masters-find", lambda dtype: _spec(*_SHAPES), _find, fast=False),
    Case("masters-find_wide", lambda dtype: _spec(*_SHAPES, wide=(4,)), _find, fast=False),
    Case(
        "masters-scale", lambda dtype: masters.STATE, _follow, fast=False,
        make=lambda device, spec: masters.make_scale(device),
    ),
    Case(
        "masters-judge", lambda dtype: wide(dtype), _judge, fast=False,
        make=lambda device, spec: masters.make_guard(device, spec),
    ),
]  # fmt: skip
