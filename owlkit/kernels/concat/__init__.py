"""Tensors joined along an axis, and cut apart again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.axes import split
from owlkit.kernels.concat import cuda, onednn, reference


@dataclass(frozen=True)
class Concat:
    """whole = the parts one after another along `axis`.

    parts : descriptors that differ in length along `axis` only.
    whole : descriptor of the result.
    """

    parts: tuple[Descriptor, ...]
    whole: Descriptor
    axis: int

    def columns(self) -> tuple[int, list[slice]]:
        """(rows, each part's columns): in memory `whole` is a matrix, and a part is some of its columns."""
        rows, _, inner = split(self.whole, self.axis)
        places, start = [], 0
        for part in self.parts:
            end = start + part.shape[self.axis] * inner
            places.append(slice(start, end))
            start = end
        return rows, places


def make(device: Device, spec: Concat) -> Any:
    """A kernel with `join(parts, whole)` and `cut(whole, parts)`; a part that is not wanted is None."""
    found = {"cuda": cuda.ConcatKernel, "onednn": onednn.ConcatKernel, "reference": reference.ConcatKernel}
    return choose(device, spec, found)
