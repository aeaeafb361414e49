"""Joining and cutting in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.concat import Concat


class ConcatKernel:
    def __init__(self, device: Device, spec: Concat) -> None:
        self._rows, self._places = spec.columns()

    def join(self, parts: Sequence[Tensor | None], whole: Tensor) -> None:
        matrix = whole.flat.reshape(self._rows, -1)
        for place, part in zip(self._places, parts, strict=True):
            if part is not None:
                matrix[:, place] = part.flat.reshape(self._rows, -1)

    def cut(self, whole: Tensor, parts: Sequence[Tensor | None]) -> None:
        matrix = whole.flat.reshape(self._rows, -1)
        for place, part in zip(self._places, parts, strict=True):
            if part is not None:
                part.flat.reshape(self._rows, -1)[...] = matrix[:, place]
