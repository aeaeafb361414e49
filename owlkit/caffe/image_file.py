"""load_image: an image file as pycaffe reads it."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from owlkit.caffe.images import as_float
from owlkit.core.errors import DataError
from owlkit.io.datum import undecodable
from owlkit.io.files import read_bytes

# Luminance of red, green and blue, as scikit-image weighs them (the phosphors of contemporary screens).
_LUMINANCE = (0.2125, 0.7154, 0.0721)
_AS_THEY_ARE = {"L", "RGB", "RGBA", "F", "I;16", "I;16L", "I;16B"}
_CONVERTED = {"1": "L", "LA": "L", "La": "L", "PA": "RGB", "RGBa": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}
_DOWNLOAD_SECONDS = 30


def load_image(filename: Any, color: bool = True) -> np.ndarray:
    """An image file, (H, W, 3) RGB or (H, W, 1) gray, float32 from 0 to 1.

    filename : path, address (http, https, ftp), or an open binary file.
    color : gray images get three equal channels; otherwise colours become their luminance. Alpha is dropped.
    Raises DataError where the file is missing or no image.
    """
    if hasattr(filename, "read"):
        content, name = filename.read(), getattr(filename, "name", "image")
    else:
        name = os.fspath(filename)
        content = _read(name)
    values = as_float(_pixels(content, str(name)))
    if values.ndim == 2:
        values = values[:, :, None]
        if color:
            values = np.repeat(values, 3, axis=2)
    elif color:
        values = values[:, :, :3]
    else:
        values = (values[:, :, :3] @ np.array(_LUMINANCE))[:, :, None]
    return np.ascontiguousarray(values, np.float32)


def _read(name: str) -> bytes:
    if not name.startswith(("http://", "https://", "ftp://")):
        return read_bytes(name, "image file")
    from urllib.request import urlopen

    try:
        with urlopen(name, timeout=_DOWNLOAD_SECONDS) as answer:
            content: bytes = answer.read()
    except OSError as error:
        raise DataError(f"cannot download the image {name}: {error}") from error
    return content


def _pixels(content: bytes, name: str) -> np.ndarray:
    """(H, W) or (H, W, 3 or 4), uint8, uint16 or float32."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            mode = image.mode
            if mode == "P":
                return np.asarray(image.convert("L" if _is_gray(image.getpalette()) else "RGB"))
            if mode == "I" and image.format == "PNG":
                return np.asarray(image).astype(np.uint16)  # 16 bit, as older versions of Pillow give it
            if mode in _AS_THEY_ARE:
                return np.asarray(image)
            if mode in _CONVERTED:
                return np.asarray(image.convert(_CONVERTED[mode]))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"the image file {name} cannot be decoded: {undecodable(content, error)}") from error
    raise DataError(f"{name}: images of mode {mode} cannot be used; save it as 8 or 16 bit gray or colours")


def _is_gray(palette: list[int] | None) -> bool:
    colours = np.array(palette or []).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())
