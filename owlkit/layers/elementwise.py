"""Functions of each value by itself, without learned parameters: AbsVal, Power, Exp, Log, Clip, Threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.layers.base import Blobs, Layer, register


class Elementwise(Layer):
    """y = f(x), elementwise, of any shape. Subclasses give `value` and `slope`, on arrays in memory order.

    May run in place: where the gradient reads x, forward then keeps a copy. (Caffe refuses some of these in
    place, and for others its gradient is wrong there.)
    """

    in_place = True
    wants_private_bottom = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, shared = bottom[0], bottom[0].shares_data(top[0])
        self._kept = np.empty(x.count, x.dtype) if shared and self.wants_private_bottom else None

    def top_survives(self, follower: Layer) -> bool:
        return False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data_tensor.flat
        if self._kept is not None:
            self._kept[...] = x
        # What a function does outside its domain (log of a negative number) is NaN, as in Caffe, in silence.
        with np.errstate(all="ignore"):
            self.value(x, top[0].data_tensor.flat)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        x = bottom[0].data_tensor.flat if self._kept is None else self._kept
        with np.errstate(all="ignore"):
            slope = self.slope(x, top[0].data_tensor.flat)
            np.multiply(top[0].diff_tensor.flat, slope, out=bottom[0].diff_tensor.flat)

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        """Write f(x) into y, which may be x."""
        raise TypeError(f"{type(self).__name__} does not define value")

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray | float:
        """f'(x), where y = f(x)."""
        raise TypeError(f"{type(self).__name__} does not define slope")


@register("AbsVal")
class AbsVal(Elementwise):
    """y = |x|.

    bottom 0 : x, any shape. top 0 : y, the same shape. Gradient: dx = dy * sign(x), 0 at x = 0. No
    parameters.
    """

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.abs(x, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sign(x)


@register("Power")
class Power(Elementwise):
    """y = (shift + scale * x) ^ power.

    bottom 0 : x, any shape. top 0 : y, the same shape.
    Gradient: dx = dy * scale * power * (shift + scale * x) ^ (power - 1). With shift 0 this is also right at
    x = 0, where Caffe divides 0 by 0.
    Parameters (power_param): power (default 1), scale (default 1), shift (default 0).
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.power_param
        self.power, self.scale, self.shift = param.power, param.scale, param.shift

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.multiply(x, self.scale, out=y)
        np.add(y, self.shift, out=y)
        if self.power != 1:
            np.power(y, self.power, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray | float:
        factor = self.scale * self.power
        if self.power == 1 or factor == 0:
            return factor
        inside = self.shift + self.scale * x
        return factor * (inside if self.power == 2 else inside ** (self.power - 1))

    def describe(self) -> str:
        return f"({self.shift:g} + {self.scale:g} x)^{self.power:g}"


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
    """y = base ^ (shift + scale * x).

    bottom 0 : x, any shape. top 0 : y, the same shape. Gradient: dx = dy * y * ln(base) * scale.
    Parameters (exp_param): base (default -1: e), scale (default 1), shift (default 0).
    """

    wants_private_bottom = False

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.read(self.param.exp_param)

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.multiply(x, self.log_base * self.scale, out=y)
        if self.shift:
            np.add(y, self.log_base * self.shift, out=y)
        np.exp(y, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y * (self.log_base * self.scale)


@register("Log")
class Log(_Based):
    """y = log_base(shift + scale * x).

    bottom 0 : x, any shape. top 0 : y, the same shape; NaN where shift + scale * x < 0.
    Gradient: dx = dy * scale / (ln(base) * (shift + scale * x)).
    Parameters (log_param): base (default -1: e; not 1), scale (default 1), shift (default 0).
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.read(self.param.log_param)
        if self.log_base == 0:
            raise self.error("there is no logarithm to base 1; choose another log_param.base")

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.multiply(x, self.scale, out=y)
        np.add(y, self.shift, out=y)
        np.log(y, out=y)
        if self.log_base != 1:
            np.multiply(y, 1 / self.log_base, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (self.scale / self.log_base) / (self.shift + self.scale * x)


@register("Clip")
class Clip(Elementwise):
    """y = max(min, min(x, max)).

    bottom 0 : x, any shape. top 0 : y, the same shape.
    Gradient: dx = dy where min <= x <= max (the bounds included), 0 elsewhere; in place too, where Caffe lets
    all of dy through.
    Parameters (clip_param): min, max (both required).
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.clip_param
        if not (param.HasField("min") and param.HasField("max")):
            raise self.error("needs clip_param { min: ... max: ... }")
        self.low, self.high = param.min, param.max
        if self.low > self.high:
            raise self.error(f"clip_param.min {self.low:g} exceeds max {self.high:g}")

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.clip(x, self.low, self.high, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x >= self.low) & (x <= self.high)

    def describe(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@register("Threshold")
class Threshold(Elementwise):
    """y = 1 where x > threshold, 0 elsewhere.

    bottom 0 : x, any shape. top 0 : y, the same shape. No gradient: it would be 0 wherever it exists.
    Parameters (threshold_param): threshold (default 0).
    """

    no_gradient = (0,)
    wants_private_bottom = False

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.threshold = self.param.threshold_param.threshold

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.greater(x, self.threshold, out=y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.error(
                "has no gradient; learn nothing below it, or take force_backward away", bottom[0]
            )

    def describe(self) -> str:
        return f"> {self.threshold:g}"
