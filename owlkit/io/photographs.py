"""Photographs as people have them: files, PIL images and RGB arrays, opened and brought to a size."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
_BROKEN = (SyntaxError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow raises besides for files that are damaged; SyntaxError of PNG."""


def is_image(name: str) -> bool:
    """By its ending; ".x.jpg" is what file managers keep for themselves."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")


def images_beneath(path: Path) -> list[Path]:
    """Image files by subfolder and name. Links are followed, each folder is entered once, no hidden one."""
    found: list[Path] = []
    entered: set[str] = set()
    for parent, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if is_image(name)]
    return found


def eight_bits(picture: Any) -> Any:
    """A PIL image whose pixels are bytes: of 16 bits the high ones, as OpenCV reads them for Caffe.

    Pillow cuts them off at 255, so that nearly all are white. Raises ValueError for pixels of 32 bits.
    """
    from PIL import Image

    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM")):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(
            f"its pixels have 32 bits (mode {picture.mode}), and nothing says which is white; "
            "read it as an array and scale that"
        )
    return picture


def open_image(image: Any) -> Any:
    """A PIL image from a path, a PIL image or a uint8 array. Raises DataError for anything else."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if isinstance(image, Image.Image):
        try:
            return eight_bits(image)
        except ValueError as error:
            raise DataError(f"{image!r} cannot be used: {error}") from error
    if isinstance(image, np.ndarray):
        _check_pixels(image)
        return Image.fromarray(image[:, :, 0] if image.shape[2:] == (1,) else image)
    try:
        with Image.open(image) as opened:
            return ImageOps.exif_transpose(eight_bits(opened)).convert("RGB")
    except (
        OSError, UnidentifiedImageError, ValueError, AttributeError, Image.DecompressionBombError, *_BROKEN
    ) as error:  # fmt: skip
        raise DataError(f"{image!r} cannot be read as an image: {error}") from error


def _check_pixels(image: np.ndarray) -> None:
    if image.dtype == np.uint8 and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3, 4))):
        return
    channels_first = image.ndim == 3 and image.shape[0] in (1, 3)
    help_ = "; its channels come first: image.transpose(1, 2, 0)" if channels_first else ""
    if image.ndim == 4:
        help_ = "; give a list of images, such as list(images)"
    raise DataError(
        f"an image is uint8 (H, W, 3) in RGB, or (H, W), found {image.dtype} {image.shape}{help_}"
    )


def fitted(picture: Any, height: int, width: int, *, warp: bool = False) -> Any:
    """A PIL image of this size: warped, or scaled by its shorter side and cut around the middle."""
    from PIL import Image, ImageOps

    if warp:
        return picture.resize((width, height), Image.Resampling.BILINEAR)
    return ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
