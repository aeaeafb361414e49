"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import copy, dropout
from owlkit.layers.base import Blobs, Layer, register


@register("Dropout")
class Dropout(Layer):
    """Sets values to 0 at random while training; passes them on as they are in the test phase.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: train: y = x * m / (1 - dropout_ratio), m = 0 with probability dropout_ratio, otherwise 1; test:
        y = x
    Gradient: dx = dy * m / (1 - dropout_ratio), with the m of the last forward pass; in test dx = dy.
    Parameters (dropout_param):
        dropout_ratio : probability of a 0, in [0, 1). One that is not a multiple of 1/256 is met to within
            2^-17.
    Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014;
        Caffe's DropoutLayer.

    A new m is drawn from the layer's own generator for each forward pass in the train phase. On a GPU the
    generator gives the key of a Philox 4x32-10, which draws on the GPU.
    """

    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel: Any = None
        # Where a GPU's generator stands; none: at its beginning.
        self._drawn: dict[str, Any] = {"philox": []}
        self.ratio = self.param.dropout_param.dropout_ratio
        if not 0 <= self.ratio < 1:
            raise self.error(f"dropout_ratio is {self.ratio:g}, but must be at least 0 and below 1")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    @property
    def drops(self) -> bool:
        return self.phase == "train"

    def passes_gradient(self, index: int) -> bool:
        return not self.drops

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].descriptor, top[0].descriptor
        if self.drops:
            before = self.state()
            self.kernel = dropout.make(device, dropout.Dropout(x, self.ratio))
            self.kernel.restore(before, self.rng)
        else:
            self.kernel = copy.make(device, copy.Copy(x, y))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self.drops:
            self.kernel.draw(self.rng)
            self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)
        elif not top[0].shares_data(bottom[0]):
            self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.drops:
            self.kernel.backward(top[0].diff_tensor, bottom[0].diff_tensor)
        elif not top[0].shares_diff(bottom[0]):
            self.kernel.forward(top[0].diff_tensor, bottom[0].diff_tensor)

    def state(self) -> dict[str, Any]:
        if not self.drops:
            return {}
        known: dict[str, Any] = {} if self.kernel is None else self.kernel.state()
        return known or self._drawn

    def restore_state(self, state: dict[str, Any]) -> None:
        self._drawn = state
        if self.drops and self.kernel is not None:
            self.kernel.restore(state, self.rng)

    def moving(self) -> Sequence[Tensor]:
        return tuple(self.kernel.moving) if self.drops else ()

    @property
    def draws_on_host(self) -> bool:
        return self.drops and not self.kernel.moving

    def describe(self) -> str:
        return f"ratio {self.ratio:g}"
