"""Solver updates in NumPy, in chunks that stay in cache, with scratch memory that is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.update import Clip, Update

CHUNK = (
    1 << 15
)  # elements: data, gradient, histories and scratch of a chunk fit into a core's second-level cache
_NORM_CHUNK = 1 << 16  # elements of one dot product
Array = np.ndarray
# step(spec, g, history, rate, t): turns g into what is to be subtracted, with a scratch array t, in place
Step = Callable[["Update", Array, Sequence[Array], float, Array], None]


def _sgd(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """v = momentum * v + rate * g; step = v."""
    (v,) = history
    g *= rate
    v *= spec.momentum
    v += g
    g[...] = v


def _nesterov(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """v = momentum * v' + rate * g; step = (1 + momentum) * v - momentum * v', with v' the former v."""
    (v,) = history
    g *= rate
    np.multiply(v, spec.momentum, out=t)
    np.add(g, t, out=v)
    np.multiply(v, 1 + spec.momentum, out=g)
    g -= t


def _adagrad(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """h = h + g^2; step = rate * g / (sqrt(h) + delta)."""
    (h,) = history
    np.multiply(g, g, out=t)
    h += t
    _over_root(spec, g, h, rate, t)


def _rmsprop(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """h = rms_decay * h + (1 - rms_decay) * g^2; step = rate * g / (sqrt(h) + delta)."""
    (h,) = history
    _moving_square(h, g, spec.rms_decay, t)
    _over_root(spec, g, h, rate, t)


def _adadelta(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """h = m * h + (1 - m) * g^2; s = g * sqrt((u + delta) / (h + delta)); u = m * u + (1 - m) * s^2;
    step = rate * s; m is the solver's momentum."""
    h, u = history
    _moving_square(h, g, spec.momentum, t)
    np.add(u, spec.delta, out=t)
    g *= np.sqrt(t, out=t)
    np.add(h, spec.delta, out=t)
    g /= np.sqrt(t, out=t)
    _moving_square(u, g, spec.momentum, t)
    g *= rate


def _adam(spec: Update, g: Array, history: Sequence[Array], rate: float, t: Array) -> None:
    """m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g^2; step = rate * m / (sqrt(v) + delta); b1, b2 are
    the solver's momentum and momentum2, and the correction of the bias is in the rate."""
    m, v = history
    _moving_square(v, g, spec.momentum2, t)
    g *= 1 - spec.momentum
    m *= spec.momentum
    m += g
    g[...] = m
    _over_root(spec, g, v, rate, t)


def _moving_square(h: Array, g: Array, keep: float, t: Array) -> None:
    """h = keep * h + (1 - keep) * g^2"""
    np.multiply(g, g, out=t)
    t *= 1 - keep
    h *= keep
    h += t


def _over_root(spec: Update, g: Array, h: Array, rate: float, t: Array) -> None:
    """g = rate * g / (sqrt(h) + delta)"""
    np.sqrt(h, out=t)
    t += spec.delta
    g *= rate
    g /= t


STEPS: dict[str, Step] = {
    "SGD": _sgd,
    "Nesterov": _nesterov,
    "AdaGrad": _adagrad,
    "RMSProp": _rmsprop,
    "AdaDelta": _adadelta,
    "Adam": _adam,
}


class UpdateKernel:
    def __init__(self, device: Device, spec: Update) -> None:
        self._spec, self._step = spec, STEPS[spec.rule]
        size = min(CHUNK, spec.values.count)
        self._g, self._t = (np.empty(size, spec.values.dtype) for _ in range(2))
        self._factors = 0.0, 1.0, 0.0

    def set_factors(self, rate: float, scale: float, decay: float) -> None:
        self._factors = rate, scale, decay

    def __call__(
        self,
        data: Tensor,
        diff: Tensor,
        history: Sequence[Tensor],
        clip: Tensor | None = None,
        leave: bool = False,
    ) -> None:
        rate, scale, decay = self._factors
        if clip is not None:
            scale *= float(clip.peek()[0])
        for start in range(0, data.flat.size, CHUNK):
            part = slice(start, min(start + CHUNK, data.flat.size))
            w, parts = data.flat[part], [h.flat[part] for h in history]
            g, t = self._g[: w.size], self._t[: w.size]
            if decay:
                np.multiply(np.sign(w, out=t) if self._spec.l1 else w, decay, out=t)
            np.multiply(diff.flat[part], scale, out=g)
            if decay:
                g += t
            self._step(self._spec, g, parts, rate, t)
            w -= g
            if leave:
                diff.flat[part] = g


class ClipKernel:
    def __init__(self, device: Device, spec: Clip) -> None:
        pass

    def __call__(self, diffs: Sequence[Tensor], limit: float, factor: Tensor) -> None:
        norm = gradient_norm(diffs)
        factor.flat[0] = limit / norm if norm > limit else 1


def gradient_norm(diffs: Sequence[Tensor]) -> float:
    """L2 norm over all values, summed in chunks that stay in cache."""
    total = 0.0
    for diff in diffs:
        flat = diff.flat
        for start in range(0, flat.size, _NORM_CHUNK):
            part = flat[start : start + _NORM_CHUNK]
            total += float(np.dot(part, part))
    return total**0.5
