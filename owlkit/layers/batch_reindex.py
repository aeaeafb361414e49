"""BatchReindex: items of a batch chosen, repeated and reordered by number."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import rows
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.layers.indices import RowNumbers


@register("BatchReindex")
class BatchReindex(Layer):
    """Items of a batch picked by their numbers, in any order and as often as wanted.

    bottom 0 : x, (N, ...).
    bottom 1 : p, (M,), whole numbers in [0, N).
    top 0 : y, (M, ...).
    Formula: y[m] = x[p_m]
    Gradient: dx[n] = sum of dy[m] over the m with p_m = n; none to p, and asking for one is refused, as in
        Caffe.
    Parameters: none.
    Source: Caffe's BatchReindexLayer.

    Numbers are checked in every batch (DataError), where Caffe reads beyond its table.
    """

    bottoms = Arity.exactly(2)
    no_gradient = (1,)
    wide_bottoms = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, p = bottom
        if x.ndim < 1:
            raise self.error("needs a bottom with a batch axis", x)
        if p.ndim != 1:
            raise self.error("the numbers must have one axis, (M,); add a Flatten or Reshape layer", p)
        top[0].reshape(p.shape[0], *x.shape[1:])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, p = bottom
        self.kernel = rows.make(device, rows.Rows(x.shape[0], x.count_between(1), x.dtype, p.count))
        advice = f"bottom {x.given_name!r} has {x.shape[0]} items: correct the numbers"
        self._numbers = RowNumbers(self, device, p, x.shape[0], advice)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        # Items lie one after another in every layout.
        self.kernel.take(bottom[0].data_tensor, self._numbers, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.error(
                "cannot backpropagate to the numbers; take away force_backward, or learn nothing below them",
                bottom[1],
            )
        if propagate_down[0]:
            bottom[0].diff_tensor.zero()
            self.kernel.add(bottom[0].diff_tensor, self._numbers, top[0].diff_tensor)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._numbers.read()
