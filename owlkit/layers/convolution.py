"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import activation, convolution
from owlkit.layers.activation import absorb_relu
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.filter_bank import FilterBank


@register("Convolution")
class Convolution(FilterBank):
    """y[n, m, p] = sum over c, o of w[m, c, o] * x[n, c, stride * p - pad + dilation * o] + b[m].

    bottom i : x, (N, C, *spatial); several bottoms share the weights. top i : y, (N, num_output, *out) with
    out = floor((in + 2 pad - (dilation (kernel - 1) + 1)) / stride) + 1 (rounded down: Caffe's convolution).
    blobs : w, (num_output, C / group, *kernel); b, (num_output,).
    Gradient: dw correlates x with dy, db sums dy, dx is dy convolved with the transposed w.
    Parameters (convolution_param): num_output, kernel_size or kernel_h and kernel_w, stride (1), pad (0),
    dilation (1), group (1), bias_term (true), weight_filler, bias_filler (zeros), axis (1), force_nd_im2col
    and engine (which change no result and are accepted).
    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.
    """

    def weight_shape(self, channels: int, outputs: int) -> tuple[int, ...]:
        return outputs, channels // self.group

    def out(self, x: Blob) -> tuple[int, ...]:
        window, sizes = self.window, []
        axes = zip(x.shape[self.axis + 1 :], window.extent(), window.stride, window.pad, strict=True)
        for size, extent, stride, pad in axes:
            if size + 2 * pad < extent:
                padded = "x".join(
                    str(n + 2 * q) for n, q in zip(x.shape[self.axis + 1 :], window.pad, strict=True)
                )
                kernel = "x".join(map(str, window.extent()))
                raise self.error(
                    f"kernel {kernel} exceeds the padded input {padded}; lower kernel_size or add pad", x
                )
            sizes.append((size + 2 * pad - extent) // stride + 1)
        return tuple(sizes)

    def absorb(self, follower: Layer) -> bool:
        return len(self.blobs[0].shape) == 4 and absorb_relu(self, follower)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        relu = bool(self.absorbed)
        self.kernels = []
        for i, (x, y) in enumerate(zip(bottom, top, strict=True)):
            wanted = i < len(self.propagate_down) and self.propagate_down[i]
            spec = convolution.Convolution(
                x.descriptor, y.descriptor, self.blobs[0].shape,
                self.window.stride, self.window.pad, self.window.dilation, self.group,
                len(self.blobs) > 1, relu, train=self.wants_params, data_gradient=wanted,
            )  # fmt: skip
            self.kernels.append(convolution.make(device, spec, self.axis))
        self.kernel = self.kernels[0]
        if relu and (self.wants_params or any(self.propagate_down)):
            self.relu = activation.make(device, activation.Activation("relu", top[0].descriptor))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if self.absorbed:
            dy = top[0].diff_tensor
            self.relu.backward(top[0].data_tensor, dy, dy)
        super().backward(top, propagate_down, bottom)

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_output = int(np.prod(self.blobs[0].shape[1:]))
        return sum(y.count for y in top) * per_output
