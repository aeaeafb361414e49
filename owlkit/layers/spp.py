"""SPP: spatial pyramid pooling, a fixed number of values from a plane of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import concat, copy, eltwise
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.pooling import Pooling
from owlkit.proto import caffe_pb2


@register("SPP")
class SPP(Layer):
    """Spatial pyramid pooling: planes of any size pooled into 1, 4, 16, ... parts, a fixed number of values.

    bottom 0 : x, (N, C, H, W).
    top 0 : y, (N, C * (1 + 4 + ... + 4^(pyramid_height - 1))), of each level in the order (C, b, b); with one
        level (N, C, 1, 1), as in Caffe.
    Formula: level l = 0 .. pyramid_height - 1 cuts a side of length H into b = 2^l parts; windows of k =
        ceil(H / b), k apart, with a padding of ceil((b k - H) / 2). See Pooling for what a window gives.
    Gradient: dx = the sum of the levels' gradients (see Pooling).
    Parameters (spp_param):
        pyramid_height : how many levels, required; not so many that a part is empty.
        pool : MAX, AVE or STOCHASTIC.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: He et al., Spatial pyramid pooling in deep convolutional networks for visual recognition, ECCV
        2014; Caffe's SPPLayer.

    With STOCHASTIC every level draws for itself. Pooling takes no padding there, so every level must cut H
    and W into equal parts; where it does not, the layer is refused.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.height = self.param.spp_param.pyramid_height
        if self.height < 1:
            raise self.error("needs spp_param { pyramid_height: ... } of at least 1")
        self._made_for: tuple[int, ...] = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        if x.ndim != 4 or not x.shape[2] * x.shape[3]:
            raise self.error("needs a bottom with 4 axes (N, C, H, W) that is not empty", x)
        if x.shape != self._made_for:  # otherwise `prepare` is not called again, and kernels must stay
            self._make_levels(x, top[0])
        if self.height > 1:
            top[0].reshape(x.shape[0], sum(y.count_between(1) for y in self._pooled))

    def _make_levels(self, x: Blob, top: Blob) -> None:
        self.levels = [self._level(x, 2**level) for level in range(self.height)]
        self._pooled = [top] if self.height == 1 else [Blob((), self.dtype, p.name) for p in self.levels]
        for pool, y in zip(self.levels, self._pooled, strict=True):
            pool.setup([x], [y])
            pool.reshape([x], [y])
        self._made_for = x.shape

    def _level(self, x: Blob, parts: int) -> Pooling:
        """The pooling layer that cuts each side into that many parts."""
        param = caffe_pb2.LayerParameter(name=f"{self.name}/{parts}x{parts}", type="Pooling")
        p = param.pooling_param
        p.pool = caffe_pb2.PoolingParameter.PoolMethod.Value(
            caffe_pb2.SPPParameter.PoolMethod.Name(self.param.spp_param.pool)
        )
        windows = [-(-side // parts) for side in x.shape[2:]]
        pads = [(w * parts - side + 1) // 2 for w, side in zip(windows, x.shape[2:], strict=True)]
        if any(pad >= w for pad, w in zip(pads, windows, strict=True)):
            raise self.error(
                f"pyramid_height {self.height} cuts {x.shape[2]}x{x.shape[3]} into {parts}x{parts} parts, "
                "of which some are empty; lower pyramid_height",
                x,
            )
        if any(pads) and p.pool == caffe_pb2.PoolingParameter.STOCHASTIC:
            raise self.error(
                f"STOCHASTIC pooling takes no padding, but {x.shape[2]}x{x.shape[3]} cut into "
                f"{parts}x{parts} equal parts needs it; lower pyramid_height, or use MAX",
                x,
            )
        p.kernel_h, p.kernel_w = p.stride_h, p.stride_w = windows
        p.pad_h, p.pad_w = pads
        level = Pooling(param, self.phase, self.rng)
        level.windows_vary = True
        return level

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        for pool, y in zip(self.levels, self._pooled, strict=True):
            pool.propagate_down = self.propagate_down
            pool.prepare(device, [x], [y])
        self.kernel = self.levels[0].kernel
        self._share = Blob(x.shape, x.dtype, f"{self.name}.share")  # of one level in x's gradient
        self._add = eltwise.make_addition(device, x.descriptor)
        if self.height > 1:
            self._prepare_joining(device, top[0])

    def _prepare_joining(self, device: Device, y: Blob) -> None:
        """Each level is copied into rows of its own, (N, C * b * b), which then are joined."""
        shapes = [(y.shape[0], level.count_between(1)) for level in self._pooled]
        self._rows = [Tensor(Descriptor(shape, y.dtype)) for shape in shapes]
        parts = tuple(rows.descriptor for rows in self._rows)
        pairs = [(level.descriptor, rows) for level, rows in zip(self._pooled, parts, strict=True)]
        self._flatten = [copy.make(device, copy.Copy(level, rows)) for level, rows in pairs]
        self._unflatten = [copy.make(device, copy.Copy(rows, level)) for level, rows in pairs]
        self._joint = concat.make(device, concat.Concat(parts, y.descriptor, 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for pool, y in zip(self.levels, self._pooled, strict=True):
            pool.forward(bottom, [y])
        if self.height > 1:
            for kernel, y, rows in zip(self._flatten, self._pooled, self._rows, strict=True):
                kernel.forward(y.data_tensor, rows)
            self._joint.join(self._rows, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.height > 1:
            self._joint.cut(top[0].diff_tensor, self._rows)
            for kernel, y, rows in zip(self._unflatten, self._pooled, self._rows, strict=True):
                kernel.forward(rows, y.diff_tensor)
        self.levels[0].backward([self._pooled[0]], [True], bottom)
        self._share.share_data(bottom[0])  # the gradient of a mean by weights reads x
        for pool, y in zip(self.levels[1:], self._pooled[1:], strict=True):
            pool.backward([y], [True], [self._share])
            self._add(bottom[0].diff_tensor, self._share.diff_tensor)

    def state(self) -> dict[str, Any]:
        found = [pool.state() for pool in self.levels]
        return {"levels": found} if any(found) else {}

    def restore_state(self, state: dict[str, Any]) -> None:
        for pool, found in zip(self.levels, state.get("levels", []), strict=False):
            pool.restore_state(found)

    def moving(self) -> Sequence[Tensor]:
        return [tensor for pool in self.levels for tensor in pool.moving()]

    @property
    def draws_on_host(self) -> bool:
        return any(pool.draws_on_host for pool in self.levels)

    def describe(self) -> str:
        return f"{self.levels[0].method}, {self.height} levels"
