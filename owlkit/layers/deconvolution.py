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
    """y[n, m, stride * p - pad + dilation * o] sums x[n, c, p] * w[c, m, o] over c, p, o; then + b[m].

    A convolution with forward and data gradient exchanged (transposed convolution).
    bottom i : x, (N, C, *spatial); several bottoms share the weights. top i : y, (N, num_output, *out) with
    out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad.
    blobs : w, (C, num_output / group, *kernel): input channels first; b, (num_output,).
    Gradient: dx is dy convolved with w, dw correlates dy with x, db sums dy.
    Parameters (convolution_param): num_output, kernel_size or kernel_h and kernel_w, stride (1), pad (0),
    dilation (1), group (1), bias_term (true), weight_filler, bias_filler (zeros), axis (1), force_nd_im2col
    and engine (which change no result and are accepted). With weight_filler "bilinear", group = C =
    num_output, kernel 2 f - f % 2, stride f and pad ceil((f - 1) / 2) it enlarges by the factor f.
    Source: Zeiler et al., Deconvolutional networks, CVPR 2010; as upsampling: Long, Shelhamer and Darrell,
    Fully convolutional networks for semantic segmentation, CVPR 2015.
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
                train=self.wants_params,
            )  # fmt: skip
            self.kernels.append(convolution.make_transposed(device, spec, self.axis))
        self.kernel = self.kernels[0]

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        per_input = int(np.prod(self.blobs[0].shape[1:]))
        return sum(x.count for x in bottom) * per_input
