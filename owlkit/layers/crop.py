"""Crop: the part of a blob that has the size of another."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import crop
from owlkit.layers.base import Arity, Blobs, Dtype, Layer, register


@register("Crop")
class Crop(Layer):
    """A part of the first bottom, as large as the second.

    bottom 0 : x, any shape.
    bottom 1 : r, of which only the lengths from axis on are read.
    top 0 : y, the lengths of x before axis and those of r from there on.
    Formula: y = x from offset on, as long as r, along every axis from axis on
    Gradient: dx = dy where y was taken from, 0 elsewhere; dr = 0 (Caffe leaves whatever was there).
    Parameters (crop_param):
        axis : the first axis that is cropped; negative counts from the end.
        offset : where y begins in x: one number for all cropped axes, or one per cropped axis; none: 0.
    Source: Caffe's CropLayer.
    """

    bottoms = Arity.exactly(2)
    no_gradient = (1,)

    def dtypes(self, half: str, given: Sequence[str], tops: int) -> tuple[str, list[Dtype], list[str]]:
        return given[0], [given[0], None], [given[0]]  # of bottom 1 only the shape is read

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._offsets(bottom)

    def _offsets(self, bottom: Blobs) -> list[int]:
        """One per axis from `axis` on."""
        param, x = self.param.crop_param, bottom[0]
        try:
            self.axis = x.canonical_axis(param.axis)
        except IndexError as why:
            raise self.error(f"crop_param.axis: {why}", x) from None
        cropped = x.ndim - self.axis
        given = list(param.offset)
        if len(given) > 1 and len(given) != cropped:
            raise self.error(
                f"crop_param has {len(given)} offset for {cropped} axes from axis {self.axis} on; "
                "give one for all of them, or one for each",
                x,
            )
        return given if len(given) > 1 else (given or [0]) * cropped

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, r = bottom
        offsets = self._offsets(bottom)
        if r.ndim < x.ndim:
            raise self.error(f"needs {x.ndim} axes, as {x.given_name!r} has, found {r.ndim}; Reshape it", r)
        for axis, offset in enumerate(offsets, self.axis):
            end = offset + r.shape[axis]
            if end > x.shape[axis]:
                raise self.error(
                    f"axis {axis}: offset {offset} and the length {r.shape[axis]} of {r.given_name!r} go "
                    f"beyond {x.shape[axis]}; lower crop_param.offset",
                    x,
                )
        self._from = (0,) * self.axis + tuple(offsets)
        top[0].reshape(*x.shape[: self.axis], *r.shape[self.axis : x.ndim])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = crop.make(device, crop.Crop(bottom[0].descriptor, top[0].descriptor, self._from))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(top[0].diff_tensor, bottom[0].diff_tensor)
        if propagate_down[1]:
            bottom[1].diff_tensor.zero()

    def describe(self) -> str:
        return f"from axis {self.axis} at {', '.join(map(str, self._from[self.axis :]))}"
