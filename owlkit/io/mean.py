"""Mean images in Caffe's binaryproto files; .npy files, in which pycaffe's users keep them, are read too."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from owlkit.core.errors import DataError, FileFormatError, MissingFileError
from owlkit.io.blobproto import array_to_proto, read_blob
from owlkit.io.datum import datum_to_array, parse_datum, show_key
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.records import Records

_NPY = b"\x93NUMPY"
_LONGEST = 4096  # characters of a .npy header; NumPy writes about 100


def read_mean(path: str | Path) -> np.ndarray:
    """The mean image of a binaryproto file, or of a .npy file; its content says which it is.

    Returns (C, H, W) float32, channels as in the file.
    Raises DataError where the file is missing, FileFormatError where it is not one image.
    """
    try:
        content = read_bytes(path, "mean file")
    except MissingFileError as error:
        error.add(f"`owlkit compute-image-mean SET {path}` computes it from an LMDB set")
        raise
    array = _from_npy(content, path) if content.startswith(_NPY) else read_blob(path, "mean file")
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3:
        raise FileFormatError(
            f"{path}: a mean image has shape (1, C, H, W) or (C, H, W), found {array.shape}"
        )
    if array.dtype != np.float32 and (np.abs(array) > np.finfo(np.float32).max).any():
        raise FileFormatError(f"{path}: the mean has values beyond float32; the file is damaged")
    with np.errstate(invalid="ignore"):  # a NaN stays one; `owlkit inspect` tells of it
        return array.astype(np.float32, copy=False)


def _from_npy(content: bytes, path: str | Path) -> np.ndarray:
    """The array of a .npy file of numbers; its header is read as a literal, and nothing is executed.

    NumPy's own reader makes room for whatever shape the header claims, and fails in many ways.
    """
    width = 2 if content[6:7] == b"\x01" else 4
    start = 8 + width
    end = start + int.from_bytes(content[8:start], "little")
    try:
        header = ast.literal_eval(content[start : min(end, start + _LONGEST)].decode("latin1").strip())
        shape, order = tuple(map(int, header["shape"])), "F" if header["fortran_order"] else "C"
        kind = re.fullmatch(r"[<>=|][fiu][1248]", header["descr"])
        if kind is None or min(shape, default=0) < 1:
            raise ValueError(f"it holds {shape} values of {header['descr']}; a mean image is needed")
        dtype = np.dtype(header["descr"])
        if math.prod(shape) * dtype.itemsize != len(content) - end:
            raise ValueError(
                f"shape {shape} does not fit its {len(content):,} bytes; it is damaged or cut short"
            )
        return np.frombuffer(content, dtype, offset=end).reshape(shape, order=order)  # type: ignore[call-overload]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise FileFormatError(f"{path}: the .npy file cannot be read: {error}") from error


def write_mean(path: str | Path, mean: np.ndarray) -> None:
    """Write a mean image, (C, H, W), as Caffe's compute_image_mean does."""
    if mean.ndim != 3:
        raise ValueError(f"a mean image has axes (C, H, W), found shape {mean.shape}")
    proto = array_to_proto(np.asarray(mean, np.float32)[None], legacy=True)
    write_bytes(path, proto.SerializeToString())


class MeanAccumulator:
    """Adds images up as Caffe's compute_image_mean does: float32 sum, divided by the count at the end."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: np.ndarray | None = None

    def add(self, image: np.ndarray) -> None:
        """image : (C, H, W), always the same shape."""
        if self._sum is None:
            self._sum = np.zeros(image.shape, np.float32)
        self._sum += image
        self.count += 1

    def mean(self) -> np.ndarray:
        """(C, H, W) float32; ValueError before the first image."""
        if self._sum is None:
            raise ValueError("the mean of no images is not defined")
        return self._sum / np.float32(self.count)


def mean_of_set(records: Records, on_record: Callable[[], None] = lambda: None) -> np.ndarray:
    """The mean image of an LMDB set of Datum, (C, H, W) float32, encoded images decoded.

    on_record : called after each. Raises DataError naming the record whose shape is not that of the first.
    """
    total = MeanAccumulator()
    shape: tuple[int, ...] = ()
    for key, value in records:
        image = datum_to_array(parse_datum(value, key), key)
        if shape and image.shape != shape:
            raise DataError(
                f"record {show_key(key)} of {records.path} has shape (C, H, W) = {image.shape}, those before "
                f"it {shape}; a mean image needs one shape: convert the set again with a fixed size"
            )
        shape = image.shape
        total.add(image)
        on_record()
    return total.mean()
