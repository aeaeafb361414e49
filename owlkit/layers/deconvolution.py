"""Deconvolution."""

from __future__ import annotations

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import convolution
from owlkit.layers.base import Blobs, register
from owlkit.layers.filter_bank import FilterBank


@register("Deconvolution")
class Deconvolution(FilterBank):
    """A convolution with forward and data gradient exchanged (transposed convolution).

    bottom i : x, (N, C, *spatial); several bottoms share the weights.
    top i : y, (N, num_output, *out), out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad.
    blobs : w, (C, num_output / group, *kernel): input channels first; b, (num_output,).
    Formula: y[n, m, stride * p - pad + dilation * o] sums x[n, c, p] * w[c, m, o] over c, p, o; then + b[m]
    Gradient: dx is dy convolved with w, dw correlates dy with x, db sums dy.
    Parameters (convolution_param):
        num_output : how many outputs, required.
        kernel_size, kernel_h, kernel_w : size of the window: one number, one per spatial axis, or height and
            width; required.
        stride, stride_h, stride_w : distance between windows in y, in the same forms; 1 where not given.
        pad, pad_h, pad_w : what is cut off around y, in the same forms; 0 where not given.
        dilation : distance between the window's points: one number, or one per spatial axis; 1 where not
            given.
        group : outputs of a group see the inputs of that group only.
        bias_term : whether there is a b.
        weight_filler : of w; zeros where none is given, as in Caffe.
        bias_filler : of b; zeros where none is given.
        axis : that of the channels; all before it count as N.
        force_nd_im2col : accepted, and changes no result.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Zeiler et al., Deconvolutional networks, CVPR 2010; as upsampling: Long, Shelhamer and Darrell,
        Fully convolutional networks for semantic segmentation, CVPR 2015; Caffe's DeconvolutionLayer.

    With weight_filler "bilinear", group = C = num_output, kernel 2 f - f % 2, stride f and pad ceil((f - 1) /
    2) it enlarges by the factor f.
    """

    def weight_shape(self, channels: int, outputs: int) -> tuple[int, ...]:
        return channels, outputs // self.group

    def out(self, x: Blob) -> tuple[int, ...]:
        window, spatial = self.window, x.shape[self.axis + 1 :]
        axes = zip(spatial, window.extent(), window.stride, window.pad, strict=True)
        sizes = tuple(stride * (size - 1) + extent - 2 * pad for size, extent, stride, pad in axes)
        if any(size < 1 for size in sizes):
            raise self.error(f"the output would have spatial size {sizes}; lower pad", x)
        return sizes

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernels = []
        for x, y in zip(bottom, top, strict=True):
            spec = convolution.Convolution(
                y.descriptor, x.descriptor, self.blobs[0].shape,
                self.window.stride, self.window.pad, self.window.dilation, self.group,
                train=self.wants_params, forward=any(self.propagate_down),
                weights_channels_last=self.blobs[0].descriptor.channels_last,
            )  # fmt: skip
            self.kernels.append(convolution.make_transposed(device, spec, self.axis))
        self.kernel = self.kernels[0]

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_input = int(np.prod(self.blobs[0].shape[1:]))
        return sum(x.count for x in bottom) * per_input
