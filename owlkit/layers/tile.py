"""Tile: copies side by side."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import tile
from owlkit.layers.base import Blobs, Layer, register


@register("Tile")
class Tile(Layer):
    """Copies of a blob, one after another along an axis.

    bottom 0 : x, any shape.
    top 0 : y, the shape of x with axis tiles times as long.
    Formula: y = tiles copies of x, joined along axis
    Gradient: dx = sum of dy over the copies.
    Parameters (tile_param):
        axis : along which to join; negative counts from the end.
        tiles : how many copies, required, at least 1.
    Source: Caffe's TileLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.tile_param
        if param.tiles < 1:
            raise self.error(f"needs tile_param {{ tiles: ... }} of at least 1, found {param.tiles}")
        self.tiles = param.tiles

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        try:
            self.axis = bottom[0].canonical_axis(self.param.tile_param.axis)
        except IndexError as why:
            raise self.error(f"tile_param.axis: {why}", bottom[0]) from None
        shape = list(bottom[0].shape)
        shape[self.axis] *= self.tiles
        top[0].reshape(shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = tile.make(device, tile.Tile(bottom[0].descriptor, self.axis, self.tiles))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(top[0].diff_tensor, bottom[0].diff_tensor)

    def describe(self) -> str:
        return f"{self.tiles} along axis {self.axis}"
