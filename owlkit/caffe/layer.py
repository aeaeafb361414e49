"""Layers: the base class of those that users write, and the others as pycaffe shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from owlkit.caffe.arrays import Arrays
from owlkit.caffe.blobs import BlobVec
from owlkit.layers import base
from owlkit.layers.python import Python, PythonLayer


class Layer(PythonLayer):
    """What `class MyLayer(caffe.Layer)` derives from: setup, reshape, forward, backward; see PythonLayer."""

    type: ClassVar[str] = "Python"


class LayerView:
    """A layer of a net. type : as in prototxt. blobs : its learned blobs."""

    def __init__(self, layer: base.Layer, arrays: Arrays) -> None:
        self._layer = layer
        self._arrays = arrays

    @property
    def type(self) -> str:
        return self._layer.type

    @property
    def blobs(self) -> BlobVec:
        return BlobVec(self._layer.blobs, self._arrays)

    def __repr__(self) -> str:
        return repr(self._layer)


def shown_layer(layer: base.Layer, arrays: Arrays) -> Any:
    """The object of the user's class for a Python layer, as in pycaffe; a LayerView otherwise."""
    return layer.instance if isinstance(layer, Python) else LayerView(layer, arrays)
