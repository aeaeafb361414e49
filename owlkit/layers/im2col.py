"""Im2col: what a convolution's window sees at each place, as channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import im2col
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.window import read_window

_OF_CONVOLUTION = ("num_output", "bias_term", "group", "weight_filler", "bias_filler")


@register("Im2col")
class Im2col(Layer):
    """The windows of a convolution as columns, so that a matrix product with w gives the convolution.

    bottom 0 : x, (N, C, *spatial).
    top 0 : y, (N, C * prod(kernel), *out), out = floor((in + 2 pad - (dilation (kernel - 1) + 1)) / stride) +
        1.
    Formula: y[n, (c, o), p] = x[n, c, stride * p - pad + dilation * o], 0 outside x; p runs over the places
        of the window, o over the positions in it, in C order
    Gradient: dx = the sum of dy over all places where x went.
    Parameters (convolution_param):
        kernel_size, kernel_h, kernel_w : size of the window: one number, one per spatial axis, or height and
            width; required.
        stride, stride_h, stride_w : distance between windows, in the same forms; 1 where not given.
        pad, pad_h, pad_w : zeros around x, in the same forms; 0 where not given.
        dilation : distance between the window's points: one number, or one per spatial axis; 1 where not
            given.
        axis : that of the channels; all before it count as N.
        force_nd_im2col : accepted, and changes no result.
        engine : accepted; the device chooses the kernel, and no result changes.
        num_output, group, bias_term, weight_filler, bias_filler : refused; they belong to a convolution's
            weights.
    Source: Caffe's Im2colLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, x = self.param.convolution_param, bottom[0]
        for name in _OF_CONVOLUTION:
            if param.HasField(name):
                raise self.error(f"has no weights, so convolution_param.{name} means nothing; remove it")
        try:
            self.axis = x.canonical_axis(param.axis)
        except IndexError as why:
            raise self.error(f"convolution_param.axis: {why}", x) from None
        if self.axis == x.ndim - 1:
            raise self.error(f"needs at least one axis after that of the channels, {self.axis}", x)
        self.window = read_window(self, param, x.ndim - self.axis - 1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, window = bottom[0], self.window
        if x.ndim != self.axis + 1 + len(window.kernel):
            raise self.error(f"expects {self.axis + 1 + len(window.kernel)} axes", x)
        room = [n + 2 * pad for n, pad in zip(x.shape[self.axis + 1 :], window.pad, strict=True)]
        if any(n < extent for n, extent in zip(room, window.extent(), strict=True)):
            kernel, padded = ("x".join(map(str, sizes)) for sizes in (window.extent(), room))
            raise self.error(
                f"kernel {kernel} exceeds the padded input {padded}; lower kernel_size or add pad", x
            )
        steps = zip(room, window.extent(), window.stride, strict=True)
        out = tuple((n - extent) // stride + 1 for n, extent, stride in steps)
        channels = x.shape[self.axis] * math.prod(window.kernel)
        top[0].reshape(*x.shape[: self.axis], channels, *out)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        window = self.window
        spec = im2col.Im2col(
            bottom[0].descriptor, top[0].descriptor, self.axis,
            window.kernel, window.stride, window.pad, window.dilation,
        )  # fmt: skip
        self.kernel = im2col.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(top[0].diff_tensor, bottom[0].diff_tensor)

    def describe(self) -> str:
        return str(self.window)
