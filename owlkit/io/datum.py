"""Datum: one record of a set, an image with its label, raw or encoded."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from owlkit.core.errors import DataError
from owlkit.io.photographs import eight_bits
from owlkit.io.recognise import recognise
from owlkit.proto import caffe_pb2

# What OpenCV, and with it Caffe, reads. Others are left out on purpose: Pillow hands EPS to Ghostscript, a
# program that runs what the file says.
_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# Pixels that a file of any length may have, and how many more each of its bytes allows. A file that claims
# more is damaged or made to exhaust memory: compressed photographs stay a hundred times below.
_FREE_PIXELS, _PIXELS_PER_BYTE = 1 << 24, 1000
_AS_THEY_ARE = {"1": "L", "L": "L", "RGB": "RGB", "P": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "RGBA": "RGBA"}

_FORM = attrgetter("channels", "height", "width", "encoded")


def parse_datum(value: bytes, key: bytes) -> Any:
    """The Datum in the value of a record; DataError naming the key where it is none."""
    try:
        return caffe_pb2.Datum.FromString(value)
    except DecodeError as error:
        raise DataError(
            f"record {show_key(key)} is not a Datum ({error}): is this set made for Caffe?"
        ) from error


def array_to_datum(image: np.ndarray, label: int = 0) -> Any:
    """A Datum of an image, (C, H, W): uint8 goes to `data`, every other type to float32 `float_data`."""
    if image.ndim != 3:
        raise ValueError(f"an image has axes (C, H, W), found shape {image.shape}")
    channels, height, width = image.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=label)
    if image.dtype == np.uint8:
        datum.data = image.tobytes()
    else:
        datum.float_data.extend(image.astype(np.float32).ravel().tolist())
    return datum


def encoded_datum(content: bytes, label: int = 0) -> Any:
    """A Datum that holds an image file (JPEG, PNG, ...) as it is."""
    return caffe_pb2.Datum(data=content, label=label, encoded=True)


def datum_to_array(datum: Any, key: bytes = b"", *, color: bool = False, gray: bool = False) -> np.ndarray:
    """The image of a Datum, (C, H, W), uint8 or float32 (from `float_data`); encoded colours come as BGR.

    color, gray : decode to three channels or to one; both ask for an encoded image or for one of that depth.
    Raises DataError naming the key for a record that is damaged or has no image.
    """
    if datum.encoded:
        return decode(datum.data, key, color=color, gray=gray)
    shape = (datum.channels, datum.height, datum.width)
    if (color and shape[0] != 3) or (gray and shape[0] != 1):
        asked = "force_color asks for 3 channels" if color else "force_gray asks for 1 channel"
        raise DataError(f"record {show_key(key)} of shape {shape} is not encoded, but {asked}; remove it")
    if datum.data:
        values = np.frombuffer(datum.data, np.uint8)
    else:
        values = np.array(datum.float_data, np.float32)
    count = shape[0] * shape[1] * shape[2]
    if min(shape) <= 0 or values.size != count:
        raise DataError(
            f"record {show_key(key)}: shape (C, H, W) = {shape} needs {count} values, found {values.size}"
        )
    return values.reshape(shape)


def join_raw(datums: Sequence[Any]) -> np.ndarray | None:
    """The images of Datums that are raw uint8 of one shape, (N, C, H, W) uint8, read-only; of others None.

    One view of all costs a tenth of N views, which counts where images are small.
    """
    forms = set(map(_FORM, datums))
    if len(forms) != 1:
        return None
    *shape, encoded = forms.pop()
    if encoded or min(shape) <= 0:
        return None
    parts = [datum.data for datum in datums]
    if set(map(len, parts)) != {math.prod(shape)}:
        return None
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, *shape)


def decode(
    content: bytes, key: bytes = b"", *, color: bool = False, gray: bool = False, path: str = ""
) -> np.ndarray:
    """Decode an image file to (C, H, W) uint8, channels in the order blue, green, red (, alpha).

    Without color or gray a gray image gives 1 channel, colours give 3, colours with alpha 4, as in Caffe.
    path : of the file that it comes from, named instead of the key.
    Raises DataError naming the key or the file where the image cannot be decoded.
    """
    what = f"the image file {path}" if path else f"record {show_key(key)}: the encoded image"
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(f"{what} cannot be decoded, because Pillow is missing: pip install Pillow") from error
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_size(image.size, len(content))
            mode = "RGB" if color else "L" if gray else _AS_THEY_ARE.get(image.mode)
            if mode is None:
                raise DataError(f"{what} is of mode {image.mode}, not 8 bit: it cannot be used")
            pixels = np.asarray(eight_bits(image).convert(mode))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow raises whatever a damaged file leads it into
        raise DataError(f"{what} cannot be decoded: {undecodable(content, error)}") from error
    if pixels.ndim == 2:
        return pixels[None]
    order = [2, 1, 0, 3][: pixels.shape[2]]
    return pixels.transpose(2, 0, 1)[order]


def undecodable(content: bytes, error: Exception) -> str:
    """What is wrong with the content of an image file that Pillow does not take, from its `error`."""
    from PIL import UnidentifiedImageError

    if not isinstance(error, UnidentifiedImageError):
        return str(error)
    found = recognise(content)
    if found.endswith(" image"):
        return f"it begins as {found}, but is cut short or damaged"
    if not found.startswith(("text", "damaged")):
        return f"it is {found}"
    return f"it begins with {content[:12]!r}, as none of {', '.join(_FORMATS)} does"


def _check_size(size: tuple[int, int], length: int) -> None:
    """Refuse an image of (width, height) that a file of `length` bytes cannot hold."""
    width, height = size
    if width * height > _FREE_PIXELS + _PIXELS_PER_BYTE * length:
        raise ValueError(f"it claims {width}x{height} pixels in {length} bytes")


def show_key(key: bytes) -> str:
    """A record's key as people write it."""
    return repr(key.decode("utf-8", "backslashreplace"))
