"""pycaffe's coord_map: where a blob's pixels lie in another blob, and crops that align the two, as in FCN.

A map is (axis, scale, shift): coordinate x of a layer's bottom is coordinate `scale * x + shift` of its top,
counted from the first spatial axis after `axis`. Scale and shift are arrays with one value, or one for each
spatial axis. Layers that move nothing have (None, 1, 0).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from owlkit.core.errors import NetError
from owlkit.spec import Function, L, Top

Map = tuple[int | None, Any, Any]

#: Layers whose tops lie where their bottoms do.
# fmt: off
PASS_THROUGH_LAYERS = [
    "AbsVal", "BatchNorm", "Bias", "BNLL", "Clip", "Dropout", "Eltwise", "ELU", "Exp", "Log", "LRN", "MVN",
    "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Split", "Swish", "TanH", "Threshold",
]
# fmt: on
_IDENTITY: Map = (None, 1, 0)


class UndefinedMapException(NetError):
    """A layer has no map of coordinates, such as one that is fully connected."""


class AxisMismatchException(NetError):
    """Two maps count their coordinates from different axes."""


class UnconnectedError(NetError, RuntimeError):
    """No layers with maps lead from one blob to the other."""


class CropError(NetError, AssertionError):
    """A blob cannot be cropped to another: scales differ, or the offset is negative or no whole number."""


def conv_params(fn: Function) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """(axis, stride, extent of the dilated kernel, pad) of a Convolution, Deconvolution, Im2col or Pooling.

    Each an array of one value or one for each spatial axis. Raises UndefinedMapException for pooling over the
    whole blob.
    """
    layer = fn.build()
    param: Any = layer.convolution_param
    axis, dilation = param.axis, np.array(list(param.dilation) or [1])
    if fn.type_name == "Pooling":
        param = layer.pooling_param
        if param.global_pooling:
            raise UndefinedMapException("Pooling: global_pooling leaves no coordinates to map")
    kernel = _pair(param, "kernel_size", "kernel", 0)
    stride, pad = _pair(param, "stride", "stride", 1), _pair(param, "pad", "pad", 0)
    if not kernel.all():
        raise NetError(f"{fn.type_name}: give kernel_size, or kernel_h and kernel_w")
    return axis, stride, (kernel - 1) * dilation + 1, pad


def _pair(param: Any, name: str, legacy: str, default: int) -> np.ndarray:
    """A spatial parameter: from its _h and _w where these are set, else one value or several."""
    if param.HasField(f"{legacy}_h") or param.HasField(f"{legacy}_w"):
        return np.array([getattr(param, f"{legacy}_h"), getattr(param, f"{legacy}_w")])
    value = getattr(param, name)
    if isinstance(value, int):
        return np.array([value if param.HasField(name) else default])
    return np.array(list(value) or [default])


def crop_params(fn: Function) -> tuple[int, np.ndarray]:
    """(axis, offset) of a Crop layer."""
    param = fn.build().crop_param
    return param.axis, np.array(list(param.offset) or [0])


def coord_map(fn: Function) -> Map:
    """The map of one layer, from bottom to top. Raises UndefinedMapException for a type without one.

    A window of extent k that starts at -pad is centred at (k - 1) / 2 - pad; the next one lies `stride` on.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, extent, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (extent - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, extent, pad = conv_params(fn)
        return axis, stride, (extent - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return _IDENTITY
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset
    raise UndefinedMapException(f"{fn.type_name} has no map of coordinates from bottom to top")


def compose(base_map: Map, next_map: Map) -> Map:
    """The map that applies `next_map` first and `base_map` to its result.

    Raises AxisMismatchException where the two count from different axes.
    """
    first, scale, shift = base_map
    second, next_scale, next_shift = next_map
    if first is not None and second is not None and first != second:
        raise AxisMismatchException(f"maps count coordinates after axis {first} and after axis {second}")
    axis = second if first is None else first
    return axis, scale * next_scale, scale * next_shift + shift


def inverse(coord_map: Map) -> Map:
    """The map from top to bottom."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def _walk(top: Top) -> Iterator[tuple[Top, Map]]:
    """The top itself and all tops it comes from through layers with maps, nearest first, each with the map
    from there to `top`."""
    seen = {top}
    queue: deque[tuple[Top, Map]] = deque([(top, _IDENTITY)])
    while queue:
        here, so_far = queue.popleft()
        yield here, so_far
        # The second bottom of a Crop gives a size, not values.
        bottoms = here.fn.inputs[:1] if here.fn.type_name == "Crop" else here.fn.inputs
        for bottom in bottoms:
            if bottom in seen:
                continue
            try:
                step = coord_map(here.fn)
            except UndefinedMapException:
                break
            seen.add(bottom)
            queue.append((bottom, compose(so_far, step)))


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """The map from coordinates of one top to those of another, through the nearest top that both come from.

    All ways from a top are taken to agree. Raises UnconnectedError (a RuntimeError) where there is no such
    top, AxisMismatchException where axes differ on the way.
    """
    from_maps = dict(_walk(top_from))
    for top, to_map in _walk(top_to):
        if top in from_maps:
            return compose(to_map, inverse(from_maps[top]))
    raise UnconnectedError(
        f"no map between the tops of {top_from.fn!r} and {top_to.fn!r}: they share no origin through layers "
        "with coordinates (convolution, pooling, deconvolution, crop, and those of single elements)"
    )


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop layer that cuts `top_from` to the size of `top_to`, at the offset where their pixels coincide.

    Raises CropError (an AssertionError) where they cannot coincide, and what `coord_map_from_to` raises.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    offset = -np.atleast_1d(shift)
    what = f"cannot crop {top_from.fn!r} to {top_to.fn!r}"
    if not np.all(np.equal(scale, 1)):
        raise CropError(f"{what}: pixels differ in size (scale {scale}); make strides up and down equal")
    if (offset < 0).any():
        raise CropError(f"{what}: it begins at {-offset} inside the other; pad the first convolution more")
    if (offset != np.round(offset)).any():
        raise CropError(f"{what}: the offset {offset} is no whole number; change a kernel_size or pad by one")
    first = 1 if axis is None else axis
    made: Top = L.Crop(top_from, top_to, axis=first + 1, offset=[int(n) for n in offset])
    return made
