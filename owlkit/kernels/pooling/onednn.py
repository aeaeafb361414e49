"""Pooling by oneDNN on channels-last memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.pooling import Pooling


def _algorithm(spec: Pooling) -> int:
    """Which of oneDNN's divisors is Caffe's.

    Without padding the valid inputs are what Caffe counts, also where the last window hangs over. With
    padding Caffe counts the whole window; a last window that hangs over is put right by `_edges`.
    """
    if spec.method == "max":
        return api.POOL_MAX
    return api.POOL_AVE_INCLUDE_PADDING if any(spec.pad) else api.POOL_AVE_EXCLUDE_PADDING


class _Positions:
    """Where in the plane the maxima are, h * W + w, from oneDNN's workspace: where in the window they are."""

    def __init__(self, spec: Pooling, workspace: Memory | None) -> None:
        n, c, height, width = spec.y.shape
        dtype = {1: np.uint8, 4: np.int32}.get(workspace.owner.size // spec.y.count if workspace else 0)
        if workspace is None or dtype is None:
            raise Unsupported("oneDNN keeps the positions of the maxima in a form of its own")
        self._shape = n, height, width, c
        self._in_window = workspace.owner.view(dtype)[: spec.y.count].reshape(self._shape)
        place = np.arange(math.prod(spec.kernel))
        self._steps = (place // spec.kernel[1] * spec.x.shape[3] + place % spec.kernel[1]).astype(
            spec.y.dtype
        )
        rows, columns = (
            np.arange(count) * stride - pad
            for count, stride, pad in zip((height, width), spec.stride, spec.pad, strict=True)
        )
        starts = rows[:, None] * spec.x.shape[3] + columns
        self._starts = starts[:, :, None].astype(spec.y.dtype)

    def write(self, indices: Tensor) -> None:
        out = indices.flat.reshape(self._shape)
        np.take(self._steps, self._in_window, out=out, mode="clip")
        np.add(out, self._starts, out=out)


class PoolingKernel:
    def __init__(self, device: Device, spec: Pooling) -> None:
        beyond = [max(spec.overhang(a), 0) for a in (0, 1)]
        if any(b + p >= k for b, p, k in zip(beyond, spec.pad, spec.kernel, strict=True)):
            raise Unsupported("a window without any input")
        source, target = MemoryDescriptor.of(spec.x), MemoryDescriptor.of(spec.y)
        after = [p + b for p, b in zip(spec.pad, beyond, strict=True)]
        window = [api.dims(v) for v in (spec.stride, spec.kernel, (0, 0), spec.pad, after)]
        algorithm = _algorithm(spec)
        self._forward = Primitive(device, "pooling_forward", api.TRAINING, algorithm, source, target, *window)
        self._backward = Primitive(
            device, "pooling_backward", algorithm, source, target, *window, self._forward
        )
        self._workspace = self._forward.workspace()
        self._positions = _Positions(spec, self._workspace) if spec.indices else None
        self._edges = self._edge_factors(spec, beyond) if algorithm == api.POOL_AVE_INCLUDE_PADDING else []
        self._scaled = Tensor(spec.y) if self._edges else None
        self.detail = self._forward.implementation
        self._pool, self._unpool = Bound(self._bind_forward), Bound(self._bind_backward)

    @staticmethod
    def _edge_factors(spec: Pooling, beyond: list[int]) -> list[tuple[tuple[slice, ...], float]]:
        """(the last row or column, whole window / what Caffe counts of it) where that window hangs over."""
        last = slice(-1, None)
        places = ((slice(None), slice(None), last), (slice(None), slice(None), slice(None), last))
        lengths = zip(places, spec.kernel, beyond, strict=True)
        return [(place, kernel / (kernel - over)) for place, kernel, over in lengths if over]

    def forward(self, x: Tensor, y: Tensor, indices: Tensor | None = None) -> None:
        self._pool(x, y)
        for place, factor in self._edges:
            y.array[place] *= factor
        if self._positions is not None and indices is not None:
            self._positions.write(indices)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        if self._scaled is not None:
            self._scaled.flat[...] = dy.flat
            for place, factor in self._edges:
                self._scaled.array[place] *= factor
            dy = self._scaled
        self._unpool(dy, dx)

    def _with_workspace(self, memories: dict[int, Memory]) -> dict[int, Memory]:
        return memories | ({api.WORKSPACE: self._workspace} if self._workspace else {})

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        memories = {api.SRC: Memory.of(x), api.DST: Memory.of(y)}
        return self._forward.bind(self._with_workspace(memories))

    def _bind_backward(self, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        memories = {api.DIFF_DST: Memory.of(dy), api.DIFF_SRC: Memory.of(dx)}
        return self._backward.bind(self._with_workspace(memories))
