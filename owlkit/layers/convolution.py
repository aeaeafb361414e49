"""Convolution."""

from __future__ import annotations

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import convolution
from owlkit.kernels.activation.absorbed import Absorbed, make_absorbed
from owlkit.layers.activation import absorb_relu
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.filter_bank import FilterBank


@register("Convolution")
class Convolution(FilterBank):
    """Convolution over any number of spatial axes, with groups and dilation.

    bottom i : x, (N, C, *spatial); several bottoms share the weights.
    top i : y, (N, num_output, *out), out = floor((in + 2 pad - (dilation (kernel - 1) + 1)) / stride) + 1:
        rounded down, where Caffe's pooling rounds up.
    blobs : w, (num_output, C / group, *kernel); b, (num_output,).
    Formula: y[n, m, p] = sum over c, o of w[m, c, o] * x[n, c, stride * p - pad + dilation * o] + b[m]
    Gradient: dw correlates x with dy, db sums dy, dx is dy convolved with the transposed w.
    Parameters (convolution_param):
        num_output : how many outputs, required.
        kernel_size, kernel_h, kernel_w : size of the window: one number, one per spatial axis, or height and
            width; required.
        stride, stride_h, stride_w : distance between windows, in the same forms; 1 where not given.
        pad, pad_h, pad_w : zeros around x, in the same forms; 0 where not given.
        dilation : distance between the window's points: one number, or one per spatial axis; 1 where not
            given.
        group : outputs of a group see the inputs of that group only.
        bias_term : whether there is a b.
        weight_filler : of w; zeros where none is given, as in Caffe.
        bias_filler : of b; zeros where none is given.
        axis : that of the channels; all before it count as N.
        force_nd_im2col : accepted, and changes no result.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998; Caffe's
        ConvolutionLayer.
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
                weights_channels_last=self.blobs[0].descriptor.channels_last,
                cast_from=self.cast_from.get(i, ""),
            )  # fmt: skip
            self.kernels.append(convolution.make(device, spec, self.axis))
        self.kernel = self.kernels[0]
        if relu and (self.wants_params or any(self.propagate_down)):
            self.relu = make_absorbed(device, Absorbed(top[0].descriptor, self.axis))

    def reads_uncast(self, index: int) -> bool:
        return self.cast_from[index] == "float32" and getattr(self.kernels[index], "reads_float32", False)

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_output = int(np.prod(self.blobs[0].shape[1:]))
        return sum(y.count for y in top) * per_output
