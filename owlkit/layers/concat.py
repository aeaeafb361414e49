"""Concat: bottoms joined along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import concat
from owlkit.layers.agreement import to_agree
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Concat")
class Concat(Layer):
    """The bottoms one after another along an axis.

    bottom i : x_i, shapes that differ along axis only.
    top 0 : y, its length along axis the sum of theirs.
    Formula: y = x_0, x_1, ... joined along axis
    Gradient: dx_i is the part of dy where x_i went.
    Parameters (concat_param):
        axis : along which to join; negative counts from the end.
        concat_dim : the older name of axis; not both.
    Source: Caffe's ConcatLayer.

    With one bottom, top and bottom share memory, as in Caffe.
    """

    bottoms = Arity(minimum=1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.concat_param
        if p.HasField("axis") and p.HasField("concat_dim"):
            raise self.error("both axis and concat_dim are given; keep axis")
        axis = p.concat_dim if p.HasField("concat_dim") else p.axis
        try:
            self.axis = bottom[0].canonical_axis(axis)
        except IndexError as error:
            raise self.error(f"concat_param.axis: {error}", bottom[0]) from None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        before, after = bottom[0].shape[: self.axis], bottom[0].shape[self.axis + 1 :]
        for blob in bottom[1:]:
            if (blob.shape[: self.axis], blob.shape[self.axis + 1 :]) != (before, after):
                raise self.error(
                    f"expects the shape {bottom[0].shape} of {bottom[0].given_name!r}, apart from axis "
                    f"{self.axis}: {to_agree(blob, bottom[0], but=self.axis)}",
                    blob,
                )
        top[0].reshape(*before, sum(blob.shape[self.axis] for blob in bottom), *after)
        if len(bottom) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        parts = tuple(blob.descriptor for blob in bottom)
        self.kernel = concat.make(device, concat.Concat(parts, top[0].descriptor, self.axis))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        parts = [None if blob.shares_data(top[0]) else blob.data_tensor for blob in bottom]
        self.kernel.join(parts, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        parts = [
            blob.diff_tensor if wanted and not blob.shares_diff(top[0]) else None
            for blob, wanted in zip(bottom, propagate_down, strict=True)
        ]
        self.kernel.cut(top[0].diff_tensor, parts)

    def describe(self) -> str:
        return f"axis {self.axis}"
