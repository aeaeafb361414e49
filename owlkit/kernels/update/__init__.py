"""Solver updates of flat parameter groups: each rule in one pass over memory, in chunks that stay in cache.

All rules start from the regularised gradient

    g = scale * diff + decay * data        (L2; decay * sign(data) for L1)

where `scale` holds the clipping of gradients and the division by iter_size. Formulas of the rules are in
`reference.py`, in the letters of Caffe's solvers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.update import cuda, onednn, reference

SLOTS = {"SGD": 1, "Nesterov": 1, "AdaGrad": 1, "RMSProp": 1, "AdaDelta": 2, "Adam": 2}


@dataclass(frozen=True)
class Update:
    """One rule for one group.

    rule : name of the solver's type. values : descriptor of data, diff and each history, one flat axis.
    l1 : whether the regularisation is L1. momentum, momentum2, rms_decay, delta : of the solver, as the rule
    uses them.
    """

    rule: str
    values: Descriptor
    l1: bool = False
    momentum: float = 0.0
    momentum2: float = 0.999
    rms_decay: float = 0.99
    delta: float = 1e-8


@dataclass(frozen=True)
class Clip:
    """The norm of all gradients against a limit. values : descriptor of each group's gradients."""

    values: tuple[Descriptor, ...]


def make(device: Device, spec: Update) -> Any:
    """A kernel with `set_factors(rate, scale, decay)`; call it as kernel(data, diff, history, clip, leave).

    rate, scale, decay : numbers that hold until they are set again; on a GPU they lie in its memory, so that
    an update that was captured once goes by the newest. history : tuple of SLOTS[rule] tensors. clip : None,
    or what `make_clip` filled: one more factor of the gradients. leave : write what was subtracted from
    `data` into `diff`, as Caffe does; otherwise `diff` keeps the gradient. A call allocates nothing.
    On a GPU a sixth argument is the state of a loss scale (`kernels.masters`): where that says that a
    gradient or a loss is not finite, nothing is changed.
    """
    found = {"cuda": cuda.UpdateKernel, "onednn": onednn.UpdateKernel, "reference": reference.UpdateKernel}
    return choose(device, spec, found)


def make_clip(device: Device, spec: Clip) -> Any:
    """A kernel to call as kernel(diffs, limit, factor).

    It writes limit / norm into factor, (1,) float64, where the L2 norm over all `diffs` exceeds `limit`,
    otherwise 1.
    """
    return choose(device, spec, {"cuda": cuda.ClipKernel, "reference": reference.ClipKernel})
