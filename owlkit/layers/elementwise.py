"""Functions of each value by itself, without learned parameters: AbsVal, Power, Exp, Log, Clip, Threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import elementwise
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.overwritten import KeptInput


class Elementwise(Layer):
    """y = f(x), elementwise, of any shape. Subclasses give `function`, the kernel's description of f.

    May run in place: where the gradient reads x, forward then keeps a copy. (Caffe refuses some of these in
    place, and for others its gradient is wrong there.)
    """

    in_place = True
    wants_private_bottom = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        """What to compute, for a bottom of descriptor `x`."""
        raise TypeError(f"{type(self).__name__} does not define function")

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = elementwise.make(device, self.function(bottom[0].descriptor))
        self.input = KeptInput(device, bottom, top, self.wants_private_bottom and any(self.propagate_down))

    def top_survives(self, follower: Layer) -> bool:
        return False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(self.input.keep(bottom), top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x, y = self.input.kept(bottom), top[0]
            self.kernel.backward(x, y.data_tensor, y.diff_tensor, bottom[0].diff_tensor)


@register("AbsVal")
class AbsVal(Elementwise):
    """The absolute value, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = |x|
    Gradient: dx = dy * sign(x), 0 at x = 0 (as in Caffe).
    Parameters: none.
    Source: Caffe's AbsValLayer.
    """

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("abs", x)


@register("Power")
class Power(Elementwise):
    """A power of a linear function, elementwise; with power 1, a scale and a shift.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = (shift + scale * x) ^ power
    Gradient: dx = dy * scale * power * (shift + scale * x) ^ (power - 1). With shift 0 this is also right at
        x = 0, where Caffe divides 0 by 0.
    Parameters (power_param):
        power : the exponent.
        scale : factor of x.
        shift : added to scale * x.
    Source: Caffe's PowerLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.power_param
        self.power, self.scale, self.shift = param.power, param.scale, param.shift

    def describe(self) -> str:
        return f"({self.shift:g} + {self.scale:g} x)^{self.power:g}"

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("power", x, self.power, scale=self.scale, shift=self.shift)


class _Based(Elementwise):
    """Exp and Log share base, scale and shift."""

    def read(self, param: object) -> None:
        """Take base (-1 means e), scale and shift."""
        base, self.scale, self.shift = (getattr(param, name) for name in ("base", "scale", "shift"))
        if base != -1 and base <= 0:
            raise self.error(f"base must be positive, or -1 for e; found {base:g}")
        self.log_base = 1.0 if base == -1 else math.log(base)


@register("Exp")
class Exp(_Based):
    """An exponential function, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = base ^ (shift + scale * x)
    Gradient: dx = dy * y * ln(base) * scale.
    Parameters (exp_param):
        base : a positive number; -1 stands for e.
        scale : factor of x.
        shift : added to scale * x.
    Source: Caffe's ExpLayer.
    """

    wants_private_bottom = False

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.read(self.param.exp_param)

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        scale, shift = self.log_base * self.scale, self.log_base * self.shift
        return elementwise.Elementwise("exp", x, scale=scale, shift=shift)


@register("Log")
class Log(_Based):
    """A logarithm, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape; NaN where shift + scale * x < 0.
    Formula: y = log_base(shift + scale * x)
    Gradient: dx = dy * scale / (ln(base) * (shift + scale * x)).
    Parameters (log_param):
        base : a positive number other than 1; -1 stands for e.
        scale : factor of x.
        shift : added to scale * x.
    Source: Caffe's LogLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.read(self.param.log_param)
        if self.log_base == 0:
            raise self.error("there is no logarithm to base 1; choose another log_param.base")

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        factor = 1 / self.log_base
        return elementwise.Elementwise("log", x, scale=self.scale, shift=self.shift, factor=factor)


@register("Clip")
class Clip(Elementwise):
    """Values cut off below and above, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = max(min, min(x, max))
    Gradient: dx = dy where min <= x <= max (the bounds included), 0 elsewhere; in place too, where Caffe lets
        all of dy through.
    Parameters (clip_param):
        min : the lowest value of y, required.
        max : the highest value of y, required.
    Source: Caffe's ClipLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.clip_param
        if not (param.HasField("min") and param.HasField("max")):
            raise self.error("needs clip_param { min: ... max: ... }")
        self.low, self.high = param.min, param.max
        if self.low > self.high:
            raise self.error(f"clip_param.min {self.low:g} exceeds max {self.high:g}")

    def describe(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("clip", x, self.low, self.high)


@register("Threshold")
class Threshold(Elementwise):
    """A step function, elementwise. Forward only.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = 1 where x > threshold, 0 elsewhere
    Gradient: none: it would be 0 wherever it exists.
    Parameters (threshold_param):
        threshold : where the step is.
    Source: Caffe's ThresholdLayer.
    """

    no_gradient = (0,)
    wants_private_bottom = False

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.threshold = self.param.threshold_param.threshold

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.error(
                "has no gradient; learn nothing below it, or take force_backward away", bottom[0]
            )

    def describe(self) -> str:
        return f"> {self.threshold:g}"

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("threshold", x, self.threshold)
