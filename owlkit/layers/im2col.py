"""Im2col: what a convolution's window sees at each place, as channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
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
        self._out = tuple((n - extent) // stride + 1 for n, extent, stride in steps)
        self._room = (*x.shape[: self.axis + 1], *room)
        channels = x.shape[self.axis] * math.prod(window.kernel)
        top[0].reshape(*x.shape[: self.axis], channels, *self._out)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        lengths = zip(self.window.pad, bottom[0].shape[self.axis + 1 :], strict=True)
        self._outer = (slice(None),) * (self.axis + 1)
        self._inside = self._outer + tuple(slice(pad, pad + n) for pad, n in lengths)
        # Zeros around x; forward writes x only.
        self._padded = Blob(self._room, bottom[0].dtype, f"{self.name}.padded")

    def _places(self, y: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[slice, ...]]]:
        """For each position in the window: its part of y, (N, C, *out), and where the padded x holds it."""
        window, outer = self.window, y.shape[: self.axis]
        split = y.reshape(*outer, -1, *window.kernel, *self._out)  # a view: one axis is divided
        for position in itertools.product(*map(range, window.kernel)):
            starts = [o * dilation for o, dilation in zip(position, window.dilation, strict=True)]
            axes = zip(starts, window.stride, self._out, strict=True)
            where = tuple(slice(start, start + stride * (n - 1) + 1, stride) for start, stride, n in axes)
            yield split[self._outer + position], self._outer + where

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        padded = self._padded.data
        padded[self._inside] = bottom[0].data
        for part, where in self._places(top[0].data):
            part[...] = padded[where]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        self._padded.diff_tensor.flat[...] = 0
        padded = self._padded.diff
        for part, where in self._places(top[0].diff):
            padded[where] += part
        bottom[0].diff[...] = padded[self._inside]

    def describe(self) -> str:
        return str(self.window)
