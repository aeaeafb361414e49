"""Learning-rate policies: the rate as a function of the iteration. Formulas are Caffe's.

base = base_lr, i = updates done so far.

fixed      base
step       base * gamma ^ floor(i / stepsize)
exp        base * gamma ^ i
inv        base * (1 + gamma * i) ^ -power
multistep  base * gamma ^ (number of stepvalues reached)
poly       base * (1 - i / max_iter) ^ power, which is 0 at max_iter
sigmoid    base / (1 + exp(-gamma * (i - stepsize)))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from owlkit.core.errors import TrainingError, closest


def _step(p: Any, i: int) -> float:
    return p.base_lr * p.gamma ** (i // p.stepsize)


def _exp(p: Any, i: int) -> float:
    return p.base_lr * p.gamma**i


def _inv(p: Any, i: int) -> float:
    return p.base_lr * (1 + p.gamma * i) ** -p.power


def _multistep(p: Any, i: int) -> float:
    return p.base_lr * p.gamma ** current_step(p, i)


def _poly(p: Any, i: int) -> float:
    left = max(0.0, 1 - i / p.max_iter)  # past max_iter a root of a negative number would be asked for
    return p.base_lr * left**p.power


def _sigmoid(p: Any, i: int) -> float:
    return p.base_lr / (1 + math.exp(-p.gamma * (i - p.stepsize)))


class Rate(float):
    """A rate that prints with the digits that float32 has, in which solver files are read.

    0.001 is written 0.001, although its value is the double nearest to that float32, 0.0010000000474974513,
    as in Caffe's formulas.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return _as_written(float(self))


@lru_cache(maxsize=8)  # most rates stay for long, and a history asks in every iteration
def _as_written(rate: float) -> str:
    with np.errstate(over="ignore"):
        return repr(float(str(np.float32(rate))))


# name -> (formula, fields without which it makes no sense)
POLICIES: dict[str, tuple[Callable[[Any, int], float], tuple[str, ...]]] = {
    "fixed": (lambda p, i: p.base_lr, ()),
    "step": (_step, ("gamma", "stepsize")),
    "exp": (_exp, ("gamma",)),
    "inv": (_inv, ("gamma", "power")),
    "multistep": (_multistep, ("gamma", "stepvalue")),
    "poly": (_poly, ("power", "max_iter")),
    "sigmoid": (_sigmoid, ("gamma", "stepsize")),
}


def learning_rate(param: Any, iteration: int) -> float:
    """The rate of a checked SolverParameter after `iteration` updates; it prints as one would write it."""
    return Rate(POLICIES[param.lr_policy][0](param, iteration))


def current_step(param: Any, iteration: int) -> int:
    """Steps of the "step" and "multistep" policies done by `iteration`; 0 for the others.

    Stepvalues count in the order written, each once reached, as in Caffe.
    """
    if param.lr_policy == "step":
        return int(iteration // param.stepsize)
    steps = 0
    if param.lr_policy == "multistep":
        while steps < len(param.stepvalue) and iteration >= param.stepvalue[steps]:
            steps += 1
    return steps


def _given(param: Any, field: str) -> bool:
    if field == "stepvalue":
        return len(param.stepvalue) > 0
    return param.HasField(field) and not (field in ("stepsize", "max_iter") and getattr(param, field) <= 0)


def _formula(name: str) -> str:
    """The policy's line of the table in this module's documentation."""
    line = next(line for line in (__doc__ or name).splitlines() if line.startswith(name))
    return line.removeprefix(name).strip()


def check_policy(param: Any) -> None:
    """Raise TrainingError where the policy is unknown or lacks a field it needs."""
    name, known = param.lr_policy, ", ".join(POLICIES)
    if not name:
        raise TrainingError(f"the solver has no lr_policy; choose one of {known}")
    if name not in POLICIES:
        raise TrainingError(f"unknown lr_policy {name!r}{closest(name, POLICIES)}; the policies are {known}")
    missing = [field for field in ("base_lr", *POLICIES[name][1]) if not _given(param, field)]
    if missing:
        wanted = " and ".join(missing)
        raise TrainingError(
            f"lr_policy {name!r} (rate = {_formula(name)}) needs {wanted}; set it in the solver"
        )
