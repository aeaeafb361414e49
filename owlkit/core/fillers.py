"""Fillers: how learned parameters and dummy data get their first values, by Caffe's formulas.

A filler reads a FillerParameter. Fans are counted as in Caffe, for a parameter of shape (O, I, ...):
fan_in = count / O, fan_out = count / I (count where there is only one axis).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from owlkit.core.errors import NetError, closest

Filler = Callable[[np.ndarray, Any, np.random.Generator], Any]

_FAN_IN, _FAN_OUT = 0, 1  # FillerParameter.VarianceNorm; AVERAGE is what is left


def fill(array: np.ndarray, filler_param: Any, rng: np.random.Generator) -> None:
    """Overwrite `array`, any shape and float dtype, as `filler_param` says.

    filler_param : FillerParameter, or None for zeros.
    rng : where random fillers draw from; "constant" and "bilinear" draw nothing.
    Raises NetError for an unknown type (with the closest name) and for values that the filler cannot use.
    """
    if filler_param is None:
        array[...] = 0
        return
    filler = _FILLERS.get(filler_param.type)
    if filler is None:
        known = ", ".join(_FILLERS)
        hint = closest(filler_param.type, _FILLERS)
        raise NetError(f"there is no filler {filler_param.type!r}{hint}; known are {known}")
    if filler_param.sparse != -1 and filler is not _gaussian:
        raise _refused(filler_param, f"sparse = {filler_param.sparse} works with type 'gaussian' only")
    if not array.size:
        return
    array[...] = filler(array, filler_param, rng)


def is_random(filler_param: Any) -> bool:
    """Whether Caffe's DummyData fills again before each forward pass: any type but "constant"."""
    return filler_param is not None and filler_param.type != "constant"


def fan(shape: tuple[int, ...], variance_norm: int) -> float:
    """The n that "xavier" and "msra" divide by: fan_in, fan_out, or the mean of both."""
    count = math.prod(shape)
    fan_in = count / shape[0] if shape else count
    fan_out = count / shape[1] if len(shape) > 1 else count
    if variance_norm == _FAN_IN:
        return fan_in
    return fan_out if variance_norm == _FAN_OUT else (fan_in + fan_out) / 2


def _refused(param: Any, message: str) -> NetError:
    return NetError(f"filler {param.type!r}: {message}")


def _between(array: np.ndarray, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    values = rng.random(array.shape, dtype=np.float32)  # one seed, one start, whatever the dtype
    values *= high - low
    values += low
    return values


def _normal(array: np.ndarray, mean: float, std: float, rng: np.random.Generator) -> np.ndarray:
    values = rng.standard_normal(array.shape, dtype=np.float32)
    values *= std
    values += mean
    return values


def _constant(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """`value` everywhere."""
    return param.value


def _uniform(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Uniform in [min, max)."""
    if param.min > param.max:
        raise _refused(param, f"min {param.min:g} exceeds max {param.max:g}")
    return _between(array, param.min, param.max, rng)


def _gaussian(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Normal with `mean` and `std`; with `sparse` >= 0, each value is kept with probability sparse / O."""
    if param.std < 0:
        raise _refused(param, f"std {param.std:g} is negative")
    values = _normal(array, param.mean, param.std, rng)
    if param.sparse == -1:
        return values
    outputs = array.shape[0] if array.ndim else 1
    if not 0 <= param.sparse <= outputs:
        raise _refused(
            param, f"sparse = {param.sparse} must lie in 0..{outputs} (outputs), or be -1 for none"
        )
    return values * (rng.random(array.shape) < param.sparse / outputs)


def _positive_unitball(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Uniform in [0, 1), then each output's values divided by their sum."""
    values = _between(array, 0, 1, rng)
    sums = values.reshape(values.shape[0] if values.ndim else 1, -1).sum(axis=1)
    return values / sums.reshape(values.shape[:1] + (1,) * (values.ndim - 1))


def _xavier(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Uniform in [-s, s), s = sqrt(3 / n): Glorot and Bengio, AISTATS 2010, with Caffe's n."""
    limit = math.sqrt(3 / fan(array.shape, param.variance_norm))
    return _between(array, -limit, limit, rng)


def _msra(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Normal with std = sqrt(2 / n): He et al., ICCV 2015."""
    return _normal(array, 0, math.sqrt(2 / fan(array.shape, param.variance_norm)), rng)


def _bilinear(array: np.ndarray, param: Any, rng: np.random.Generator) -> Any:
    """Upsampling weights for a Deconvolution, (O, I, K, K): (1 - |x/f - c|) (1 - |y/f - c|).

    f = ceil(K / 2), c = (K - 1) / (2 f). Every pair of channels gets them: Caffe means this for group = O.
    """
    if array.ndim != 4 or array.shape[2] != array.shape[3]:
        raise _refused(param, f"needs a square kernel, shape (O, I, K, K), not {array.shape}")
    size = array.shape[3]
    f = math.ceil(size / 2)
    ramp = 1 - np.abs(np.arange(size) / f - (size - 1) / (2 * f))
    return np.outer(ramp, ramp)


_FILLERS: dict[str, Filler] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}
