"""Elementwise functions in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.elementwise import Elementwise

_BNLL_LIMIT = 50.0  # Caffe's kBNLL_THRESHOLD: exp(50) is finite in float32


class ElementwiseKernel:
    def __init__(self, device: Device, spec: Elementwise) -> None:
        self.spec = spec
        self._value, self._slope = _FUNCTIONS[spec.kind]

    def forward(self, x: Tensor, y: Tensor) -> None:
        # What a function does outside its domain (log of a negative number) is NaN, as in Caffe, in silence.
        with np.errstate(all="ignore"):
            self._value(self.spec, x.flat, y.flat)

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        with np.errstate(all="ignore"):
            np.multiply(dy.flat, self._slope(self.spec, x.flat, y.flat), out=dx.flat)


def _inner(spec: Elementwise, x: np.ndarray, out: np.ndarray) -> None:
    """shift + scale * x."""
    np.multiply(x, spec.scale, out=out)
    if spec.shift:
        np.add(out, spec.shift, out=out)


def _abs(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    np.abs(x, out=y)


def _abs_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sign(x)


def _power(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    _inner(spec, x, y)
    if spec.alpha != 1:
        np.power(y, spec.alpha, out=y)


def _power_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray | float:
    factor = spec.scale * spec.alpha
    if spec.alpha == 1 or factor == 0:
        return factor
    inside = spec.shift + spec.scale * x
    return factor * (inside if spec.alpha == 2 else inside ** (spec.alpha - 1))


def _exp(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    _inner(spec, x, y)
    np.exp(y, out=y)


def _exp_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return y * spec.scale


def _log(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    _inner(spec, x, y)
    np.log(y, out=y)
    if spec.factor != 1:
        np.multiply(y, spec.factor, out=y)


def _log_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (spec.scale * spec.factor) / (spec.shift + spec.scale * x)


def _bnll(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    """max(x, 0) + log(1 + exp(-|x|)) does not overflow."""
    smooth = np.log1p(np.exp(-np.abs(x)))
    np.maximum(x, 0, out=y)
    np.add(y, smooth, out=y)


def _bnll_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    e = np.exp(np.minimum(x, _BNLL_LIMIT))
    return e / (1 + e)


def _elu(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    below = spec.alpha * np.expm1(np.minimum(x, 0))
    np.maximum(x, 0, out=y)
    np.add(y, below, out=y)


def _elu_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(x > 0, 1, y + spec.alpha).astype(y.dtype, copy=False)


def _gate(spec: Elementwise, x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-alpha x)), in the form that does not overflow."""
    s = np.multiply(x, 0.5 * spec.alpha)
    np.tanh(s, out=s)
    s *= 0.5
    s += 0.5
    return s


def _swish(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    np.multiply(x, _gate(spec, x), out=y)


def _swish_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    s = _gate(spec, x)
    return s + spec.alpha * y * (1 - s)


def _clip(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    np.clip(x, spec.alpha, spec.beta, out=y)


def _clip_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x >= spec.alpha) & (x <= spec.beta)


def _threshold(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> None:
    np.greater(x, spec.alpha, out=y)


def _threshold_slope(spec: Elementwise, x: np.ndarray, y: np.ndarray) -> float:
    return 0.0


_Value = Callable[["Elementwise", np.ndarray, np.ndarray], None]
_Slope = Callable[["Elementwise", np.ndarray, np.ndarray], "np.ndarray | float"]
_FUNCTIONS: dict[str, tuple[_Value, _Slope]] = {
    "abs": (_abs, _abs_slope),
    "power": (_power, _power_slope),
    "exp": (_exp, _exp_slope),
    "log": (_log, _log_slope),
    "bnll": (_bnll, _bnll_slope),
    "elu": (_elu, _elu_slope),
    "swish": (_swish, _swish_slope),
    "clip": (_clip, _clip_slope),
    "threshold": (_threshold, _threshold_slope),
}
