"""Bottoms that come in another type than their layer takes: cast before it runs, their gradients after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import cast
from owlkit.layers.base import Layer


class Casts:
    """Of one layer with these bottoms.

    inner : what the layer is bound to: the bottoms, and in place of those in another type blobs of its own,
    the same ones in each plan. The layer is to be prepared with them, and `spare` called then.
    """

    def __init__(self, device: Device, layer: Layer, bottom: Sequence[Blob]) -> None:
        self.layer = layer
        self.inner = list(bottom)
        self._pairs: list[tuple[int, Blob, Blob, Any, Any]] = []
        layer.cast_from = {}
        for index, (outer, dtype) in enumerate(zip(bottom, layer.bottom_dtypes, strict=True)):
            if outer.dtype == dtype:
                continue
            inner = self.inner[index] = layer.cast_bottoms.setdefault(index, Blob((), dtype, outer.name))
            inner.reshape(outer.shape)
            there = cast.make(device, cast.Cast(outer.descriptor, dtype))
            back = cast.make(device, cast.Cast(inner.descriptor, outer.dtype))
            self._pairs.append((index, outer, inner, there, back))
            layer.cast_from[index] = outer.dtype

    def spare(self) -> None:
        """Leave out the casts of bottoms that the layer's kernels read as they come."""
        for pair in tuple(self._pairs):
            index, outer = pair[:2]
            if self.layer.reads_uncast(index):
                self._pairs.remove(pair)
                self.inner[index] = outer
                del self.layer.cast_bottoms[index]

    def forward(self, top: Sequence[Blob]) -> None:
        """Cast, and run the layer."""
        for _, outer, inner, there, _ in self._pairs:
            there.forward(outer.data_tensor, inner.data_tensor)
        self.layer.forward(self.inner, top)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool]) -> None:
        """Run the layer backward, and cast the gradients of its bottoms."""
        self.layer.backward(top, propagate_down, self.inner)
        for index, outer, inner, _, back in self._pairs:
            if propagate_down[index]:
                back.forward(inner.diff_tensor, outer.diff_tensor)


def needed(layer: Layer, bottom: Sequence[Blob]) -> bool:
    """Whether any of these bottoms comes in another type than `layer` takes."""
    return any(blob.dtype != dtype for blob, dtype in zip(bottom, layer.bottom_dtypes, strict=True))
