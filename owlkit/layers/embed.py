"""Embed: a table of learned vectors, looked up by number."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import bias, copy, eltwise, rows
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.indices import RowNumbers


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
    precision = "half"
    wide_bottoms = (0,)

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
        x, y = bottom[0], top[0].descriptor
        self.kernel = rows.make(device, rows.Rows(self.rows, self.width, y.dtype, x.count))
        advice = f"raise embed_param.input_dim ({self.rows}), or correct the data"
        self._numbers = RowNumbers(self, device, x, self.rows, advice)
        self._plain: Tensor | None = None
        if not y.is_plain:  # rows do not lie in one piece there
            self._plain = Tensor(Descriptor(y.shape, y.dtype))
            self._out = copy.make(device, copy.Copy(self._plain.descriptor, y))
            self._in = copy.make(device, copy.Copy(y, self._plain.descriptor))
        if len(self.blobs) > 1:
            b = self.working[1].descriptor
            self._bias = bias.make(device, bias.Bias(y, len(y.shape) - 1, 1))
            self._addition, self._spare = eltwise.make_addition(device, b), Tensor(b)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        w, y = self.working[0].data_tensor, top[0].data_tensor
        self.kernel.take(w, self._numbers, y if self._plain is None else self._plain)
        if self._plain is not None:
            self._out.forward(self._plain, y)
        if len(self.blobs) > 1:
            self._bias.forward(y, self.working[1].data_tensor, y)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.error(
                "has no gradient to its numbers; take away force_backward, or learn nothing below it",
                bottom[0],
            )
        dy = top[0].diff_tensor
        accumulate = self.begin_accumulate()
        dw, db = self.param_gradients()
        if dw is not None:
            self._add_rows(dw, dy, accumulate)
        if db is not None:
            self._bias.gradient(dy, self._spare if accumulate else db)
            if accumulate:
                self._addition(db, self._spare)

    def _add_rows(self, dw: Tensor, dy: Tensor, accumulate: bool) -> None:
        if not accumulate:
            dw.zero()
        if self._plain is not None:
            self._in.forward(dy, self._plain)
        self.kernel.add(dw, self._numbers, dy if self._plain is None else self._plain)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._numbers.read()

    def describe(self) -> str:
        return f"{self.rows} of {self.width}"
