"""The three calls of a convolution in NumPy, written apart from owlkit's reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Numbers = Sequence[int]


def _offsets(
    kernel: Numbers, out: Numbers, stride: Numbers, dilation: Numbers
) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """(place in the window, what of the padded image lies under it)."""
    for place in itertools.product(*map(range, kernel)):
        cuts = []
        for o, n, s, d in zip(place, out, stride, dilation, strict=True):
            cuts.append(slice(o * d, o * d + s * (n - 1) + 1, s))
        yield place, (..., *cuts)


def _padded(shape: Numbers, pad: Numbers) -> np.ndarray:
    return np.zeros([*shape[:2], *(n + 2 * p for n, p in zip(shape[2:], pad, strict=True))])


def _inner(shape: Numbers, pad: Numbers) -> tuple[Any, ...]:
    return (..., *(slice(p, p + n) for n, p in zip(shape[2:], pad, strict=True)))


def _grouped(values: np.ndarray, groups: int) -> np.ndarray:
    """(N, groups, C / groups, pixels)."""
    return values.reshape(values.shape[0], groups, values.shape[1] // groups, -1)


def fprop(x: np.ndarray, w: np.ndarray, shape: Numbers, pad: Numbers, *steps: Numbers) -> Any:
    """y of this shape, (N, M, *spatial). steps : stride, dilation."""
    groups, wide = x.shape[1] // w.shape[1], _padded(x.shape, pad)
    wide[_inner(x.shape, pad)] = x
    filters = w.reshape(groups, -1, *w.shape[1:])
    total = np.zeros(shape)
    for place, under in _offsets(w.shape[2:], shape[2:], *steps):
        seen = _grouped(wide[under], groups)
        total += np.einsum("ngcp,gmc->ngmp", seen, filters[(..., *place)]).reshape(shape)
    return total


def dgrad(dy: np.ndarray, w: np.ndarray, shape: Numbers, pad: Numbers, *steps: Numbers) -> Any:
    """dx of this shape."""
    groups, wide = shape[1] // w.shape[1], _padded(shape, pad)
    filters, above = w.reshape(groups, -1, *w.shape[1:]), _grouped(dy, groups)
    for place, under in _offsets(w.shape[2:], dy.shape[2:], *steps):
        part = np.einsum("ngmp,gmc->ngcp", above, filters[(..., *place)])
        wide[under] += part.reshape(wide[under].shape)
    return wide[_inner(shape, pad)]


def wgrad(x: np.ndarray, dy: np.ndarray, shape: Numbers, pad: Numbers, *steps: Numbers) -> Any:
    """dw of this shape, (M, C / group, *kernel)."""
    groups, wide = x.shape[1] // shape[1], _padded(x.shape, pad)
    wide[_inner(x.shape, pad)] = x
    total, above = np.zeros(shape), _grouped(dy, groups)
    for place, under in _offsets(shape[2:], dy.shape[2:], *steps):
        seen = _grouped(wide[under], groups)
        total[(..., *place)] = np.einsum("ngcp,ngmp->gmc", seen, above).reshape(shape[:2])
    return total


RESULTS: dict[str, Callable[..., Any]] = {"fprop": fprop, "dgrad": dgrad, "wgrad": wgrad}
