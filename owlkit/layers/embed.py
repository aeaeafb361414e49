"""Embed: a table of learned vectors, looked up by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.kernels import rows
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.indices import read_indices


@register("Embed")
class Embed(Layer):
    """Rows of a learned table: an inner product with one-hot vectors, without making them.

    bottom 0 : x, whole numbers in [0, input_dim), any shape.
    top 0 : y, x.shape + (num_output,).
    blobs : w, (input_dim, num_output); with bias_term b, (num_output,).
    Formula: y_i = w[x_i] + b
    Gradient: dw[k] = sum of dy_i over the i with x_i = k, db = sum of dy_i; none to x, and asking for one is
        refused, as in Caffe.
    Parameters (embed_param):
        num_output : length of a row, required.
        input_dim : how many rows, required.
        bias_term : whether there is a b.
        weight_filler : of w; zeros where none is given.
        bias_filler : of b; zeros where none is given.
    Source: Caffe's EmbedLayer.

    Numbers are checked in every batch (DataError), where Caffe reads beyond its table.
    """

    no_gradient = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.embed_param
        for name in ("num_output", "input_dim"):
            if getattr(param, name) < 1:
                raise self.error(f"needs embed_param {{ {name}: ... }} of at least 1")
        self.rows, self.width = param.input_dim, param.num_output
        self.add_param((self.rows, self.width), param.weight_filler)
        if param.bias_term:
            self.add_param((self.width,), param.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(*bottom[0].shape, self.width)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = rows.make(device, rows.Rows(self.rows, self.width, top[0].dtype))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        advice = f"raise embed_param.input_dim ({self.rows}), or correct the data"
        self._indices = read_indices(self, bottom[0], self.rows, advice)
        w, y = self.blobs[0].data, top[0]
        if y.descriptor.is_plain:
            self.kernel.take(w, self._indices, y.data.reshape(-1, self.width))
        else:
            y.data[...] = w[self._indices].reshape(y.shape)
        if len(self.blobs) > 1:
            np.add(y.data, self.blobs[1].data, out=y.data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.error(
                "has no gradient to its numbers; take away force_backward, or learn nothing below it",
                bottom[0],
            )
        dy = top[0].diff.reshape(-1, self.width)
        accumulate = self.begin_accumulate()
        dw, db = self.param_gradients()
        if dw is not None:
            if not accumulate:
                dw.flat[...] = 0
            self.kernel.add(dw.array, self._indices, dy)
        if db is not None:
            db.array[...] = dy.sum(axis=0) + (db.array if accumulate else 0)

    def describe(self) -> str:
        return f"{self.rows} of {self.width}"
