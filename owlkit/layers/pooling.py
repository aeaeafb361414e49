"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import pooling
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.proto import caffe_pb2

_METHODS = {
    caffe_pb2.PoolingParameter.MAX: "max",
    caffe_pb2.PoolingParameter.AVE: "ave",
    caffe_pb2.PoolingParameter.STOCHASTIC: "stochastic",
}


@register("Pooling")
class Pooling(Layer):
    """The maximum, the mean or a value drawn at random of every window of a plane.

    bottom 0 : x, (N, C, H, W).
    top 0 : y, (N, C, H', W'), H' = ceil((H + 2 pad - kernel) / stride) + 1 (round_mode FLOOR: floor). With
        padding, a last window that would start beyond H + pad is dropped: Caffe's pooling.
    top 1 (optional, MAX only) : where the maximum was found, h * W + w as a float, the shape of y.
    Formula: the window of y[n, c, i, j] starts at (i, j) * stride - pad in x[n, c].
        MAX: y = its maximum; padding is never a maximum.
        AVE: y = its sum / its size, which counts padding, but not what hangs over beyond the padding.
        STOCHASTIC, train: y = a value x_k of it, drawn with probability x_k / its sum
        STOCHASTIC, test: y = sum of x_k^2 / its sum
    Gradient: MAX: dy goes to the first maximum of each window. AVE: in equal shares to all of it. STOCHASTIC:
        to the value that was drawn; in test dx_k = dy (2 x_k - y) / sum of the window (Caffe leaves it
        undefined).
    Parameters (pooling_param):
        pool : MAX, AVE or STOCHASTIC.
        kernel_size, kernel_h, kernel_w : size of the window, one number or height and width; required without
            global_pooling.
        stride, stride_h, stride_w : distance between windows, one number or height and width.
        pad, pad_h, pad_w : padding on either side, smaller than the kernel; none with STOCHASTIC, as in
            Caffe.
        global_pooling : the window is the whole plane; then no kernel, stride or pad.
        round_mode : CEIL or FLOOR, how the size of the top is rounded.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Caffe's PoolingLayer. STOCHASTIC: Zeiler and Fergus, Stochastic pooling for regularization of deep
        convolutional neural networks, ICLR 2013; Caffe has it on the GPU only.

    A window without any input (possible where stride > kernel) gives -FLT_MAX and index -1 for MAX, 0 for the
    others, and no gradient; Caffe writes out of bounds there.

    STOCHASTIC is for values that are not negative, such as those behind a ReLU. Drawn is the first value, row
    by row, at which the running sum reaches u times the whole, u uniform in (0, 1] from the layer's own
    generator, which on a GPU gives the key of a Philox 4x32-10. Where none does (a negative sum; Caffe leaves
    memory unwritten) y = 0 without gradient, as in test for any sum that is not positive.
    """

    tops = Arity(minimum=1, maximum=2)
    wide_tops = (1,)  # half precision cannot hold every index
    windows_vary = False  # with the size of images, as in a spatial pyramid

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.pooling_param
        self.kernel: Any = None
        # Where a GPU's generator stands; none: at its beginning.
        self._drawn: dict[str, Any] = {"philox": []}
        self.method = _METHODS[p.pool]
        if len(top) > 1 and self.method != "max":
            raise self.error("only MAX pooling has a second top (indices); remove it", top[1])
        if bottom[0].ndim != 4:
            raise self.error("needs a bottom with 4 axes (N, C, H, W); put it before InnerProduct", bottom[0])
        self.stride = self._pair(p, "stride", "stride_h", "stride_w")
        self.pad = self._pair(p, "pad", "pad_h", "pad_w")
        if self.method == "stochastic" and any(self.pad):
            raise self.error(
                f"STOCHASTIC pooling takes no padding, found pad {self.pad}; remove it, or use MAX"
            )
        if min(self.stride) < 1:
            raise self.error("stride is 0; it must be at least 1")
        self.window: tuple[int, int] | None = None if p.global_pooling else self._kernel(p)
        if p.global_pooling:
            self._check_global(p)

    def _pair(self, p: Any, name: str, name_h: str, name_w: str) -> tuple[int, int]:
        """(height, width) from the one-number form or the two-number form."""
        given = [p.HasField(n) for n in (name_h, name_w)]
        if not any(given):
            return getattr(p, name), getattr(p, name)
        if p.HasField(name) or not all(given):
            raise self.error(f"give either {name}, or both {name_h} and {name_w}")
        return getattr(p, name_h), getattr(p, name_w)

    def _kernel(self, p: Any) -> tuple[int, int]:
        if not any(p.HasField(n) for n in ("kernel_size", "kernel_h", "kernel_w")):
            raise self.error("the kernel's size is missing; give kernel_size, or kernel_h and kernel_w")
        kernel = self._pair(p, "kernel_size", "kernel_h", "kernel_w")
        if min(kernel) < 1:
            raise self.error(f"kernel {kernel} is empty; each side must be at least 1")
        if any(pad >= k for pad, k in zip(self.pad, kernel, strict=True)):
            raise self.error(f"pad {self.pad} is not smaller than the kernel {kernel}; lower pad")
        return kernel

    def _check_global(self, p: Any) -> None:
        if any(p.HasField(n) for n in ("kernel_size", "kernel_h", "kernel_w")):
            raise self.error("global_pooling takes the whole plane; remove the kernel's size")
        if self.pad != (0, 0) or self.stride != (1, 1):
            raise self.error("global_pooling needs pad 0 and stride 1; remove them")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        if x.ndim != 4:
            raise self.error("needs a bottom with 4 axes (N, C, H, W); put it before InnerProduct", x)
        self.kernel_shape = self.window or (x.shape[2], x.shape[3])
        size = [self._pooled(x.shape[2 + axis], axis) for axis in (0, 1)]
        if min(size) < 1:
            raise self.error(
                f"kernel {self.kernel_shape} exceeds the padded input; lower kernel_size or add pad", x
            )
        for blob in top:
            blob.reshape(*x.shape[:2], *size)

    def _pooled(self, length: int, axis: int) -> int:
        kernel, stride, pad = self.kernel_shape[axis], self.stride[axis], self.pad[axis]
        floor = self.param.pooling_param.round_mode == caffe_pb2.PoolingParameter.FLOOR
        room = length + 2 * pad - kernel
        pooled = (room // stride if floor else -(-room // stride)) + 1
        if any(self.pad) and (pooled - 1) * stride >= length + pad:
            pooled -= 1  # Caffe drops a last window that starts in the padding
        return pooled

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].descriptor, top[0].descriptor
        if self.method == "stochastic":
            draws, varies = self.phase == "train", self.windows_vary
            drawn = pooling.Stochastic(self.kernel_shape, self.stride, x, y, draws, varies)
            before = self.state()
            self.kernel = pooling.make_stochastic(device, drawn)
            self.kernel.restore(before, self.rng)
            return
        spec = pooling.Pooling(
            self.method, self.kernel_shape, self.stride, self.pad, x, y,
            indices=len(top) > 1, data_gradient=any(self.propagate_down), varies=self.windows_vary,
        )  # fmt: skip
        self.kernel = pooling.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.method == "stochastic":
            if self.phase == "train":
                self.kernel.draw(self.rng)
            self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)
            return
        indices = top[1].data_tensor if len(top) > 1 else None
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor, indices)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.method == "stochastic":
            self.kernel.backward(bottom[0].data_tensor, top[0].diff_tensor, bottom[0].diff_tensor)
        else:
            self.kernel.backward(top[0].diff_tensor, bottom[0].diff_tensor)

    def state(self) -> dict[str, Any]:
        if not self._draws:
            return {}
        known: dict[str, Any] = {} if self.kernel is None else self.kernel.state()
        return known or self._drawn

    def restore_state(self, state: dict[str, Any]) -> None:
        self._drawn = state
        if self.method == "stochastic" and self.kernel is not None:
            self.kernel.restore(state, self.rng)

    @property
    def _draws(self) -> bool:
        return self.method == "stochastic" and self.phase == "train"

    def moving(self) -> Sequence[Tensor]:
        return tuple(self.kernel.moving) if self._draws else ()

    @property
    def draws_on_host(self) -> bool:
        return self._draws and not self.kernel.moving

    def describe(self) -> str:
        if self.window is None:
            return f"{self.method}, whole plane"
        parts = [f"{self.method} {'x'.join(map(str, self.window))}"]
        for name, values, usual in (("stride", self.stride, 1), ("pad", self.pad, 0)):
            if values != (usual, usual):
                parts.append(f"{name} " + "x".join(str(v) for v in dict.fromkeys(values)))
        return ", ".join(parts)
