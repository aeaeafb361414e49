"""What Convolution and Deconvolution have in common (not a layer itself)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.blob import Blob
from owlkit.layers.base import Arity, Blobs, Layer
from owlkit.layers.window import read_window


class FilterBank(Layer):
    """Reads convolution_param, declares w and b, and calls one kernel per pair of bottom and top.

    A subclass says the shape of w, the size of its output, and which kernel it takes; one that absorbs a ReLU
    makes the kernel of its gradient, `relu`, too.
    """

    bottoms = Arity(minimum=1)
    tops = Arity(minimum=1)
    precision = "half"
    kernels: list[Any]
    relu: Any

    def weight_shape(self, channels: int, outputs: int) -> tuple[int, ...]:
        """Of w without the window's axes, for so many input and output channels."""
        raise TypeError(f"{type(self).__name__} does not define weight_shape")

    def out(self, x: Blob) -> tuple[int, ...]:
        """Sizes of the top's spatial axes."""
        raise TypeError(f"{type(self).__name__} does not define out")

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
        self.channels, self.outputs = channels, outputs
        self.add_param((*self.weight_shape(channels, outputs), *self.window.kernel), p.weight_filler)
        if p.bias_term:
            self.add_param((outputs,), p.bias_filler)

    def filters(self) -> list[Blob]:
        return [w for w in (*self.blobs[:1], *self.working[:1]) if w.ndim == 4]

    def _axis(self, x: Blob) -> int:
        axis = self.param.convolution_param.axis
        try:
            axis = x.canonical_axis(axis)
        except IndexError as error:
            raise self.error(f"convolution_param.axis: {error}", x) from None
        return axis

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        channels = self.channels
        for x, y in zip(bottom, top, strict=True):
            if x.ndim != bottom[0].ndim or x.shape[self.axis] != channels:
                found = f"{x.shape[self.axis]} channels" if x.ndim > self.axis else f"{x.ndim} axes"
                raise self.error(
                    f"expects {channels} channels on axis {self.axis}, found {found}; its filters were "
                    "made for these when the net was built: keep the input's channels, or build it anew",
                    x,
                )
            y.reshape(*x.shape[: self.axis], self.outputs, *self.out(x))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        w, b = self.param_tensors()
        for i, kernel in enumerate(self.kernels):
            kernel.forward(bottom[i].data_tensor, w, b, top[i].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        w = self.working[0].data_tensor
        dw, db = self.param_gradients()
        learns = dw is not None or db is not None
        for i, kernel in enumerate(self.kernels):
            x, dy = bottom[i], top[i].diff_tensor
            accumulate = learns and self.begin_accumulate()
            if self.absorbed and self.relu.backward(top[0].data_tensor, dy, db, accumulate):
                db = None
            if dw is not None or db is not None:
                kernel.backward_params(x.data_tensor, dy, dw, db, accumulate)
            if propagate_down[i]:
                kernel.backward_data(dy, w, x.diff_tensor)

    def describe(self) -> str:
        group = f", group {self.group}" if self.group > 1 else ""
        return f"{self.outputs} of {self.window}{group}"
