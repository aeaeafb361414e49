"""An image that the kernel runs and the browser shows: from a file's bytes, to pixels; layers in words."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.core.errors import DataError
from owlkit.inspection.layerwise import Layerwise
from owlkit.io.photographs import open_image

from .answer_pixels import rgb


def opened(image: bytes) -> Any:
    """A PIL image of the bytes of a file; DataError where it is none."""
    try:
        return open_image(io.BytesIO(image))
    except DataError:
        raise DataError("what was given is no image that can be read; try PNG or JPEG") from None


def pixels_of(seen: Layerwise) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the image as the net got it."""
    return np.ascontiguousarray(rgb(seen.image))


def described_layers(seen: Layerwise) -> list[dict[str, Any]]:
    """A dictionary for each layer that has seen the image, in their order."""
    return [asdict(top) | {"shape": list(top.shape)} for top in seen.layers.values()]


def name_of(net: Any) -> str:
    """A net's name; a caffe.Net has none to tell."""
    return str(getattr(net, "name", "") or "")
