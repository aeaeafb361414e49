"""Arrays to BlobProto, BlobProtoVector and Datum, and back, under pycaffe's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from owlkit.io import blobproto
from owlkit.io import datum as records
from owlkit.proto import caffe_pb2


def blobproto_to_array(blob: Any, return_diff: bool = False) -> np.ndarray:
    """The values of a BlobProto in its shape, float64 as in pycaffe; with return_diff its gradient.

    Raises FileFormatError (a ValueError) where values and shape do not fit.
    """
    return blobproto.proto_to_array(blob, "BlobProto", diff=return_diff).astype(np.float64)


def array_to_blobproto(arr: np.ndarray, diff: np.ndarray | None = None) -> Any:
    """A BlobProto of an array of any shape, stored as float32; diff : its gradient, of the same shape."""
    gradient = None if diff is None else np.asarray(diff, np.float32)
    return blobproto.array_to_proto(np.asarray(arr, np.float32), gradient)


def arraylist_to_blobprotovector_str(arraylist: Iterable[np.ndarray]) -> bytes:
    """Arrays as the bytes of a BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector(blobs=[array_to_blobproto(array) for array in arraylist])
    return vector.SerializeToString()


def blobprotovector_str_to_arraylist(str: bytes) -> list[np.ndarray]:
    """The arrays in the bytes of a BlobProtoVector, float64."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: np.ndarray, label: int | None = None) -> Any:
    """A Datum of an image, (C, H, W): uint8 goes to `data`, every other type to float32 `float_data`.

    Without a label none is written. Raises ValueError for another number of axes.
    """
    made = records.array_to_datum(np.asarray(arr))
    made.ClearField("label")
    if label is not None:
        made.label = int(label)
    return made


def datum_to_array(datum: Any) -> np.ndarray:
    """The image of a Datum, (C, H, W): uint8, or float64 from `float_data`; a copy, without the label.

    An encoded image (JPEG, PNG) is decoded to blue, green, red; pycaffe refuses it. Raises DataError where
    the values do not fit the shape.
    """
    values = records.datum_to_array(datum)
    return np.array(values, np.uint8 if values.dtype == np.uint8 else np.float64)
