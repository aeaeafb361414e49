"""Kernel, stride, padding and dilation as layers with a sliding window give them (not a layer itself)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.layers.base import Layer


@dataclass(frozen=True)
class Window:
    """One number per spatial axis, in pixels."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    def extent(self) -> tuple[int, ...]:
        """Pixels that the kernel spans: dilation * (kernel - 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def __str__(self) -> str:
        parts = ["x".join(map(str, self.kernel))]
        for name, values, usual in (
            ("stride", self.stride, 1), ("pad", self.pad, 0), ("dilation", self.dilation, 1)
        ):  # fmt: skip
            if any(v != usual for v in values):
                parts.append(f"{name} " + "x".join(str(v) for v in dict.fromkeys(values)))
        return ", ".join(parts)


def read_window(layer: Layer, param: Any, axes: int) -> Window:
    """The window of a ConvolutionParameter for `axes` spatial axes.

    `kernel_size`, `stride`, `pad`, `dilation` hold one number for all axes or one per axis; `kernel_h` and
    `kernel_w` and their like are for two axes and exclude the former. Raises NetError otherwise.
    """
    kernel = _values(layer, param, axes, "kernel_size", ("kernel_h", "kernel_w"), None)
    stride = _values(layer, param, axes, "stride", ("stride_h", "stride_w"), 1)
    pad = _values(layer, param, axes, "pad", ("pad_h", "pad_w"), 0)
    dilation = _values(layer, param, axes, "dilation", None, 1)
    for name, values, least in (("kernel_size", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1)):
        if any(v < least for v in values):
            raise layer.error(f"{name} is {values}, but must be at least {least}; change {name}")
    return Window(kernel, stride, pad, dilation)


def _values(
    layer: Layer, param: Any, axes: int, name: str, pair: tuple[str, str] | None, default: int | None
) -> tuple[int, ...]:
    given: Sequence[int] = list(getattr(param, name))
    if pair and any(param.HasField(p) for p in pair):
        if given:
            raise layer.error(f"both {name} and {pair[0]}/{pair[1]} are given; keep one of the two forms")
        if axes != 2:
            raise layer.error(f"{pair[0]} and {pair[1]} are for 2 spatial axes, not {axes}; use {name}")
        return (getattr(param, pair[0]), getattr(param, pair[1]))
    if not given:
        if default is None:
            if axes == 0:
                return ()
            raise layer.error(f"{name} is missing; give {name} or {pair[0] if pair else name}")
        return (default,) * axes
    if len(given) == 1:
        return tuple(given) * axes
    if len(given) != axes:
        raise layer.error(
            f"{name} has {len(given)} values, but there are {axes} spatial axes; give 1 or {axes}"
        )
    return tuple(given)
