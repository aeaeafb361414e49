"""Relatives of ReLU: BNLL, ELU, Swish, and PReLU with learned slopes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels.axes import split
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.elementwise import Elementwise
from owlkit.proto.caffe_pb2 import FillerParameter

_BNLL_LIMIT = 50.0  # Caffe's kBNLL_THRESHOLD: exp(50) is finite in float32


@register("BNLL")
class BNLL(Elementwise):
    """y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)), which does not overflow.

    bottom 0 : x, any shape. top 0 : y, the same shape.
    Gradient: dx = dy * e / (1 + e), e = exp(min(x, 50)). No parameters.
    """

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        smooth = np.log1p(np.exp(-np.abs(x)))
        np.maximum(x, 0, out=y)
        np.add(y, smooth, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        e = np.exp(np.minimum(x, _BNLL_LIMIT))
        return e / (1 + e)


@register("ELU")
class ELU(Elementwise):
    """y = x for x > 0, alpha * (exp(x) - 1) elsewhere.

    bottom 0 : x, any shape. top 0 : y, the same shape.
    Gradient: dx = dy for x > 0, dy * (y + alpha) elsewhere.
    Parameters (elu_param): alpha (default 1).
    Source: Clevert, Unterthiner and Hochreiter, ELUs, ICLR 2016.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.alpha = self.param.elu_param.alpha

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        below = self.alpha * np.expm1(np.minimum(x, 0))
        np.maximum(x, 0, out=y)
        np.add(y, below, out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x > 0, 1, y + self.alpha).astype(y.dtype, copy=False)

    def describe(self) -> str:
        return f"alpha {self.alpha:g}"


@register("Swish")
class Swish(Elementwise):
    """y = x * s, s = 1 / (1 + exp(-beta * x)).

    bottom 0 : x, any shape. top 0 : y, the same shape.
    Gradient: dx = dy * (s + beta * y * (1 - s)).
    Parameters (swish_param): beta (default 1).
    Source: Ramachandran, Zoph and Le, Searching for Activation Functions, 2017.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.beta = self.param.swish_param.beta

    def _gate(self, x: np.ndarray) -> np.ndarray:
        """s, in the form that does not overflow."""
        s = np.multiply(x, 0.5 * self.beta)
        np.tanh(s, out=s)
        s *= 0.5
        s += 0.5
        return s

    def value(self, x: np.ndarray, y: np.ndarray) -> None:
        np.multiply(x, self._gate(x), out=y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = self._gate(x)
        return s + self.beta * y * (1 - s)

    def describe(self) -> str:
        return f"beta {self.beta:g}"


@register("PReLU")
class PReLU(Layer):
    """y = max(x, 0) + a_c * min(x, 0), with a learned slope a_c for each channel c, or one for all.

    bottom 0 : x, (N, C, ...). top 0 : y, the same shape; may run in place (x is then kept for the gradient).
    blobs[0] : a, (C,), or () where channel_shared.
    Gradient: dx = dy for x > 0, a_c * dy elsewhere; da_c = sum of dy * x over the x <= 0 of channel c.
    Parameters (prelu_param): filler (default: constant 0.25), channel_shared (default false).
    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.
    """

    in_place = True
    wants_private_bottom = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.prelu_param
        if bottom[0].ndim < 2:
            raise self.error("needs a bottom with channels, (N, C, ...)", bottom[0])
        filler = param.filler if param.HasField("filler") else FillerParameter(value=0.25)
        self.add_param(() if param.channel_shared else (bottom[0].shape[1],), filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        slopes = self.blobs[0]
        if slopes.ndim and slopes.shape[0] != bottom[0].shape[1]:
            raise self.error(f"has slopes for {slopes.shape[0]} channels", bottom[0])
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._split = split(bottom[0].descriptor, 1)
        shared = bottom[0].shares_data(top[0])
        self._kept = np.empty(self._split, bottom[0].dtype) if shared else None

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = (blob.data_tensor.flat.reshape(self._split) for blob in (bottom[0], top[0]))
        if self._kept is not None:
            self._kept[...] = x
        below = self._slopes() * np.minimum(x, 0)
        np.maximum(x, 0, out=y)
        np.add(y, below, out=y)

    def _slopes(self) -> np.ndarray:
        """a against (outer, C, inner)."""
        return self.blobs[0].data.reshape(-1, 1)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        x = bottom[0].data_tensor.flat.reshape(self._split) if self._kept is None else self._kept
        dy = top[0].diff_tensor.flat.reshape(self._split)
        if self.wants_param(0):
            self._add_slope_gradient(dy * np.minimum(x, 0))
        if propagate_down[0]:
            slope = np.where(x > 0, 1, self._slopes()).astype(dy.dtype, copy=False)
            np.multiply(dy, slope, out=bottom[0].diff_tensor.flat.reshape(self._split))

    def _add_slope_gradient(self, products: np.ndarray) -> None:
        a = self.blobs[0]
        gradient = products.sum(axis=(0, 2)) if a.ndim else products.sum()
        if a.begin_accumulate():
            a.diff_tensor.array[...] += gradient
        else:
            a.diff_tensor.array[...] = gradient

    def describe(self) -> str:
        return "shared" if self.param.prelu_param.channel_shared else ""
