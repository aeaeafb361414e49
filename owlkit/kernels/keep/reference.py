"""Tensors kept, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor


class KeepKernel:
    def __init__(self, device: Device, spec: tuple[Descriptor, ...]) -> None:
        """There is nothing to prepare."""

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor], state: Tensor | None) -> None:
        if state is not None and state.peek()[5]:
            return
        for source, target in zip(sources, targets, strict=True):
            if source.memory.mirror is None:
                target.flat[...] = source.flat  # `peek` makes a view each time
            else:
                target.array[...] = source.peek()
