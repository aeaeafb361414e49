"""Input: blobs that the caller fills."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Input")
class Input(Layer):
    """Tops whose data the caller writes before each forward pass; the layer itself computes nothing.

    top i : shape[i], or shape[0] for every top where there is one shape only.
    Formula: y = what the caller wrote
    Gradient: none.
    Parameters (input_param):
        shape : one for all tops, or one for each; required.
    Source: Caffe's InputLayer.

    As in Caffe the shapes are set once, so a blob that was reshaped by hand keeps its new shape.
    """

    bottoms = Arity.exactly(0)
    tops = Arity(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shapes = [tuple(shape.dim) for shape in self.param.input_param.shape]
        if len(shapes) not in (1, len(top)):
            raise self.error(
                f"input_param has {len(shapes)} shapes for {len(top)} tops; give one for all, or one each"
            )
        for index, blob in enumerate(top):
            shape = shapes[index if len(shapes) > 1 else 0]
            if any(length < 0 for length in shape):
                raise self.error(f"shape {shape} of top {blob.name!r} has a negative axis")
            blob.reshape(shape)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to infer: the shapes are the caller's."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to compute: the caller has written the data."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """No bottoms."""
