"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import activation, convolution
from owlkit.layers.activation import absorb_relu
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.layers.window import read_window


@register("Convolution")
class Convolution(Layer):
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

    bottoms = Arity(minimum=1)
    tops = Arity(minimum=1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.convolution_param
        if len(bottom) != len(top):
            raise self.error(f"{len(bottom)} bottoms but {len(top)} tops; give as many tops as bottoms")
        x = bottom[0]
        self.axis = self._axis(x)
        self.window = read_window(self, p, x.ndim - self.axis - 1)
        self.group = p.group
        channels, outputs = x.shape[self.axis], p.num_output
        if outputs < 1:
            raise self.error("num_output is missing; give the number of filters")
        for what, count in (("bottom channels", channels), ("num_output", outputs)):
            if count % self.group:
                raise self.error(f"{count} {what} cannot be split into {self.group} groups; change group", x)
        self.add_param((outputs, channels // self.group, *self.window.kernel), p.weight_filler)
        if p.bias_term:
            self.add_param((outputs,), p.bias_filler)

    def _axis(self, x: Blob) -> int:
        axis = self.param.convolution_param.axis
        try:
            axis = x.canonical_axis(axis)
        except IndexError as error:
            raise self.error(f"convolution_param.axis: {error}", x) from None
        return axis

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        channels = self.blobs[0].shape[1] * self.group
        for x, y in zip(bottom, top, strict=True):
            if x.ndim != bottom[0].ndim or x.shape[self.axis] != channels:
                found = f"{x.shape[self.axis]} channels" if x.ndim > self.axis else f"{x.ndim} axes"
                raise self.error(f"expects {channels} channels on axis {self.axis}, found {found}", x)
            y.reshape(*x.shape[: self.axis], self.blobs[0].shape[0], *self._out(x))

    def _out(self, x: Blob) -> tuple[int, ...]:
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

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        w, b = self.param_tensors("data_tensor")
        for kernel, x, y in zip(self.kernels, bottom, top, strict=True):
            kernel.forward(x.data_tensor, w, b, y.data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if self.absorbed:
            dy = top[0].diff_tensor
            self.relu.backward(top[0].data_tensor, dy, dy)
        w = self.blobs[0].data_tensor
        dw, db = self.param_tensors("diff_tensor") if self.wants_params else (None, None)
        for kernel, x, y, wanted in zip(self.kernels, bottom, top, propagate_down, strict=True):
            if self.wants_params:
                accumulate = self.begin_accumulate()
                kernel.backward_params(x.data_tensor, y.diff_tensor, dw, db, accumulate)
            if wanted:
                kernel.backward_data(y.diff_tensor, w, x.diff_tensor)

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_output = int(np.prod(self.blobs[0].shape[1:]))
        return sum(y.count for y in top) * per_output

    def describe(self) -> str:
        group = f", group {self.group}" if self.group > 1 else ""
        return f"{self.blobs[0].shape[0]} of {self.window}{group}"
