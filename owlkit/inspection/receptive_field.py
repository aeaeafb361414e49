"""Receptive fields: which pixels of the input a unit of a blob can see.

Along an axis, unit i of a blob sees the input's pixels from start + i * stride on, `size` of them. An input
sees itself (size 1, stride 1, start 0); a window of extent e, stride s and padding p over such a blob gives

    size' = size + (e - 1) * stride,   stride' = stride * s,   start' = start - p * stride

Pixels outside the image are padding. A layer that mixes a whole plane (InnerProduct, global pooling, MVN) is
a window as large as that plane.
Source: Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.errors import NetError, closest
from owlkit.net.graph import Graph, Node

# These give every output its own pixel of each bottom, whatever they do along the channels. (What BatchNorm
# sees of other pixels in training, through its statistics, is not counted.)
_PIXELWISE = {
    "AbsVal", "BatchNorm", "BatchReindex", "Bias", "BNLL", "Clip", "Dropout", "Eltwise", "ELU", "Exp",
    "Filter", "Log", "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Split", "Swish", "TanH", "Threshold",
}  # fmt: skip


@dataclass(frozen=True)
class Extent:
    """Along one axis, in pixels of the input: unit i sees `size` pixels from start + i * stride on."""

    size: float = 1
    stride: float = 1
    start: float = 0

    def under(self, extent: int, stride: float = 1, pad: float = 0) -> Extent:
        """The extent of a window's outputs over units of this one."""
        return Extent(
            self.size + (extent - 1) * self.stride, self.stride * stride, self.start - pad * self.stride
        )

    def pixels(self, unit: int, length: int) -> tuple[int, int]:
        """First pixel and the one after the last that a unit sees, cut to an input of `length` pixels."""
        first = self.start + unit * self.stride
        return max(math.floor(first), 0), min(math.ceil(first + self.size), length)


@dataclass(frozen=True)
class ReceptiveField:
    """What units of a blob see of the input blob `input`; `height` and `width` are the two axes."""

    input: str
    height: Extent = Extent()
    width: Extent = Extent()

    def box(self, row: int, column: int, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of the unit at (row, column) in an input (H, W) or (N, C, H, W)."""
        top, bottom = self.height.pixels(row, shape[-2])
        left, right = self.width.pixels(column, shape[-1])
        return top, left, bottom, right

    def frame(self, plane: Sequence[int]) -> tuple[float, float, float, float]:
        """(top, left, bottom, right) of a plane (H, W) of units laid over the input: the middle of each
        unit's field at the middle of its pixel."""
        top, left = (e.start + (e.size - e.stride) / 2 for e in (self.height, self.width))
        return top, left, top + plane[0] * self.height.stride, left + plane[1] * self.width.stride

    def __str__(self) -> str:
        size = f"{self.height.size:g}x{self.width.size:g}"
        strides = dict.fromkeys((self.height.stride, self.width.stride))
        return f"{size}, stride {'x'.join(f'{s:g}' for s in strides)}"


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """Blob name -> receptive field, for every blob that depends on one input with the axes N, C, H, W.

    Blobs that see several inputs, or that units of different strides meet in, are left out.
    """
    fields: dict[str, ReceptiveField] = {}
    for node in graph.nodes:
        if not node.bottom:
            fields |= {
                name: ReceptiveField(name)
                for name, top in zip(node.top_names, node.top, strict=True)
                if top.ndim == 4
            }
            continue
        seen = _seen(node, fields)
        for name in node.top_names:
            if seen is None:
                fields.pop(name, None)
            else:
                fields[name] = seen
    return fields


def receptive_field(graph: Graph, blob: str) -> ReceptiveField:
    """Of one blob. Raises NetError where there is no such blob, or none that can be told."""
    if blob not in graph.blobs:
        raise NetError(f"no blob {blob!r} in {graph.name or 'the net'}{closest(blob, graph.blobs)}")
    fields = receptive_fields(graph)
    if blob not in fields:
        raise NetError(
            f"blob {blob!r} has no receptive field of its own: "
            "it sees no image, several inputs, or units of different strides"
        )
    return fields[blob]


def _seen(node: Node, fields: dict[str, ReceptiveField]) -> ReceptiveField | None:
    """The field of a node's tops, None where it cannot be told."""
    pairs = zip(node.bottom_names, node.bottom, strict=True)
    bottoms = [(fields[name], blob) for name, blob in pairs if name in fields]
    if not bottoms:
        return None
    first, blob = bottoms[0]
    kind, layer = node.layer.type, node.layer
    if kind == "Crop":
        return _cropped(first, blob, node.top[0], layer)
    moved = [_moved(field, bottom, kind, layer) for field, bottom in bottoms]
    return _united(moved)


def _moved(field: ReceptiveField, bottom: Blob, kind: str, layer: Any) -> ReceptiveField:
    """One bottom's field as the layer's tops see it."""
    if bottom.ndim != 4 or kind in _PIXELWISE:
        return field
    if kind in ("Concat", "Slice", "Softmax", "ArgMax") and getattr(layer, "axis", 1) < 2:
        return field
    if kind == "LRN" and layer.param.lrn_param.norm_region == 0:
        return field
    seen, lengths = (field.height, field.width), bottom.shape[2:]
    extents = [_along(axis, seen[axis], lengths[axis], kind, layer) for axis in (0, 1)]
    return ReceptiveField(field.input, *extents)


def _along(axis: int, extent: Extent, length: int, kind: str, layer: Any) -> Extent:
    if kind == "LRN":
        size = layer.param.lrn_param.local_size
        return extent.under(size, pad=(size - 1) // 2)
    window: Any = getattr(layer, "window", None)
    if window is None:  # global pooling too
        return extent.under(length, length)
    if kind == "Pooling":
        return extent.under(window[axis], layer.stride[axis], layer.pad[axis])
    reach, stride, pad = window.extent()[axis], window.stride[axis], window.pad[axis]
    if kind == "Deconvolution":
        return _spread(extent, reach, stride, pad)
    return extent.under(reach, stride, pad)


def _spread(extent: Extent, reach: int, stride: int, pad: int) -> Extent:
    """Deconvolution: output o gets input i where o = i * stride - pad + k with 0 <= k < reach.

    Its outputs see by turns one pixel more or less; this is what holds all of them.
    """
    return Extent(
        extent.size + (reach - 1) / stride * extent.stride,
        extent.stride / stride,
        extent.start + (pad - reach + 1) / stride * extent.stride,
    )


def _cropped(field: ReceptiveField, x: Blob, y: Blob, layer: Any) -> ReceptiveField | None:
    param = layer.param.crop_param
    axis, offsets = x.canonical_axis(param.axis), list(param.offset) or [0]
    if x.ndim != 4 or axis > 2:
        return None
    by_axis = offsets * (4 - axis) if len(offsets) == 1 else offsets
    height, width = by_axis[-2:]
    return ReceptiveField(field.input, field.height.under(1, pad=-height), field.width.under(1, pad=-width))


def _united(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    """The smallest field that holds all of these."""
    if len({f.input for f in fields}) > 1:
        return None
    axes = []
    for extents in ([f.height for f in fields], [f.width for f in fields]):
        if len({e.stride for e in extents}) > 1:
            return None
        start = min(e.start for e in extents)
        axes.append(Extent(max(e.start + e.size for e in extents) - start, extents[0].stride, start))
    return ReceptiveField(fields[0].input, *axes)
