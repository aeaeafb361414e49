"""DummyData: made-up data, constant or random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.device import Device
from owlkit.core.fillers import fill, is_random
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("DummyData")
class DummyData(Layer):
    """Tops filled by fillers: constant ones once, all others anew before every forward pass (Caffe).

    top i : shape[i], or (num[i], channels[i], height[i], width[i]) in the older form; one entry serves all
        tops.
    Formula: y = what the filler draws
    Gradient: none.
    Parameters (dummy_data_param):
        data_filler : none = zeros, one for all, or one for each top.
        shape : one for all, or one for each top; required, unless the older form is used.
        num, channels, height, width : the older form of shape; not both.
    Source: Caffe's DummyDataLayer.

    A constant top that is overwritten by hand keeps what was written, until its shape changes.
    """

    bottoms = Arity.exactly(0)
    tops = Arity(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.dummy_data_param
        self._fillers = self._per_top("data_filler", param.data_filler or [None], len(top))
        self._shapes = self._read_shapes(param, len(top))

    def _read_shapes(self, param: Any, count: int) -> list[tuple[int, ...]]:
        older = [getattr(param, field) for field in ("num", "channels", "height", "width")]
        if param.shape and any(older):
            raise self.error(
                "dummy_data_param gives shape as well as num, channels, height, width; use shape only"
            )
        if not param.shape and not all(older):
            raise self.error(
                "dummy_data_param needs shape { dim: ... } (or all of num, channels, height, width)"
            )
        if param.shape:
            shapes = self._per_top("shape", [tuple(shape.dim) for shape in param.shape], count)
        else:
            names = ("num", "channels", "height", "width")
            axes = [self._per_top(name, values, count) for name, values in zip(names, older, strict=True)]
            shapes = list(zip(*axes, strict=True))
        if negative := [shape for shape in shapes if any(length < 0 for length in shape)]:
            raise self.error(f"shape {negative[0]} has a negative axis")
        return shapes

    def _per_top(self, field: str, values: Any, count: int) -> list[Any]:
        """One value for each top."""
        if len(values) not in (1, count):
            raise self.error(
                f"dummy_data_param.{field} is given {len(values)} times for {count} tops: give 1 or {count}"
            )
        return list(values) * (1 if len(values) == count else count)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob, shape in zip(top, self._shapes, strict=True):
            blob.reshape(shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        for blob, filler in zip(top, self._fillers, strict=True):
            if not is_random(filler):
                fill(blob.data, filler, self.rng)
        self._random = [index for index, filler in enumerate(self._fillers) if is_random(filler)]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for index in self._random:
            fill(top[index].data, self._fillers[index], self.rng)

    @property
    def draws_on_host(self) -> bool:
        return bool(self._random)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """No bottoms."""
