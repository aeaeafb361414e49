"""Weights in float32 beside half precision, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor

if TYPE_CHECKING:
    from owlkit.kernels.masters import Masters


class MastersKernel:
    def __init__(self, device: Device, spec: Masters) -> None:
        """There is nothing to prepare."""

    def narrow(self, masters: Sequence[Tensor], working: Sequence[Tensor]) -> None:
        for master, copy in zip(masters, working, strict=True):
            if master.dtype != copy.dtype:
                copy.array[...] = master.peek().astype(copy.dtype)

    def widen(
        self, working: Sequence[Tensor], masters: Sequence[Tensor], add: Sequence[bool], state: Tensor | None
    ) -> None:
        inverse = np.float32(1) if state is None else state.peek()[1]
        for copy, master, adds in zip(working, masters, add, strict=True):
            values = copy.peek().astype(np.float32)
            if state is not None and not np.isfinite(values).all():
                state.array[2] = 1
            master.array[...] = master.array + values * inverse if adds else values * inverse


class ScaleKernel:
    def __init__(self, device: Device, spec: Descriptor) -> None:
        from owlkit.kernels import masters

        self._limits = masters.LEAST, masters.MOST, masters.PATIENCE

    def rescale(self, diff: Tensor, state: Tensor, which: int) -> None:
        diff.array[...] *= state.peek()[which]

    def follow(self, state: Tensor) -> None:
        least, most, patience = self._limits
        scale, _, found, streak, skipped, stopped = state.array
        if stopped:
            return
        streak, skipped = (0, skipped + 1) if found else (streak + 1, skipped)
        if found:
            scale = max(scale / 2, least)
        elif streak >= patience:
            scale, streak = min(scale * 2, most), 0
        state.array[...] = scale, 1 / scale, 0, streak, skipped, 0


class GuardKernel:
    def __init__(self, device: Device, dtype: str) -> None:
        """There is nothing to prepare."""

    def judge(self, loss: Tensor, state: Tensor) -> None:
        if not np.isfinite(loss.peek()).all():
            state.array[5] = 1
