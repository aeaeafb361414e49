"""Weights that are kept in float32 while a net computes in half precision, and the scale of its loss.

Before a pass the weights are rounded to half precision; after it the gradients are brought back, all in one
call whatever the number of blobs. In float16 gradients below 6e-8 would be lost: the loss is multiplied by a
scale, by which the gradients are divided on their way back. Where one of them is not finite, the update is
left out and the scale halved; after many good ones it is doubled.

Source: Micikevicius et al., Mixed precision training, ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import choose
from owlkit.kernels.masters import cuda, reference

#: What the state of a scale holds, (6,) float32: the scale, 1 / scale, whether a gradient was not finite,
#: good updates since the scale last changed, updates that were left out, and whether a loss was not finite:
#: no update is made any more then, until the host has seen to it.
SCALE, INVERSE, FOUND, STREAK, SKIPPED, STOPPED = range(6)
STATE = Descriptor((6,), "float32")
#: The scale that a training begins with, and the limits between which it moves.
FIRST, LEAST, MOST = 2.0**16, 1.0, 2.0**24
#: Good updates after which the scale is doubled.
PATIENCE = 2000


@dataclass(frozen=True)
class Masters:
    """masters, working : descriptors of weights in float32, and of what kernels take in their place."""

    masters: tuple[Descriptor, ...]
    working: tuple[Descriptor, ...]


class MastersKernel(Protocol):
    """See `make`."""

    def narrow(self, masters: Sequence[Tensor], working: Sequence[Tensor]) -> None:
        """working[i] = masters[i], rounded; those of one type share their memory, and nothing happens."""

    def widen(
        self, working: Sequence[Tensor], masters: Sequence[Tensor], add: Sequence[bool], state: Tensor | None
    ) -> None:
        """masters[i] = working[i], or += where `add` says so, times state[INVERSE]; sets state[FOUND] where a
        value of `working` is not finite. state : None for no scale."""


def make(device: Device, spec: Masters) -> MastersKernel:
    """The kernel that moves values between weights and gradients of both types."""
    found = {"cuda": cuda.MastersKernel, "reference": reference.MastersKernel}
    kernel: MastersKernel = choose(device, spec, found)
    return kernel


def make_scale(device: Device) -> Any:
    """A kernel with

    rescale(diff, state, which) : diff *= state[which]; SCALE where backward starts, INVERSE when it is over.
    follow(state) : after an update, halves or doubles the scale and counts; nothing where state[STOPPED].
    """
    return choose(device, STATE, {"cuda": cuda.ScaleKernel, "reference": reference.ScaleKernel})


def make_guard(device: Device, dtype: str) -> Any:
    """A kernel with judge(loss, state), which sets state[STOPPED] where `loss`, of `dtype`, is not finite."""
    kernels = {"cuda": cuda.GuardKernel, "reference": reference.GuardKernel}
    return choose(device, dtype, kernels)
