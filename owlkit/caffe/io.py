"""pycaffe's io: images, the Transformer, and arrays as messages.

The functions lie in image_file, images, transformer and messages. `caffe_pb2`, `resize` and `skimage` are
here because scripts take them from caffe.io; scikit-image is imported only for those that ask for it.
"""

from __future__ import annotations

import importlib
from typing import Any

from owlkit.caffe.image_file import load_image
from owlkit.caffe.images import oversample, resize, resize_image
from owlkit.caffe.messages import (
    array_to_blobproto,
    array_to_datum,
    arraylist_to_blobprotovector_str,
    blobproto_to_array,
    blobprotovector_str_to_arraylist,
    datum_to_array,
)
from owlkit.caffe.transformer import Transformer
from owlkit.proto import caffe_pb2

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize",
    "resize_image",
]


def __getattr__(name: str) -> Any:
    """scikit-image and its io, where it is installed, for scripts that reach it through caffe.io."""
    if name != "skimage":
        raise AttributeError(f"module 'caffe.io' has no attribute {name!r}; it has {', '.join(__all__)}")
    try:
        importlib.import_module("skimage.io")
        return importlib.import_module("skimage")
    except ImportError as error:
        raise AttributeError(
            "caffe.io.skimage is scikit-image, which owlkit does not need and which is not installed: "
            "pip install scikit-image, or use caffe.io.load_image and caffe.io.resize_image"
        ) from error
