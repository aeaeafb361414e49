"""Images as pycaffe has them: (H, W, K) float32 from 0 to 1; read, resized, cut into ten crops.

pycaffe resizes with scikit-image as it was before 0.15. Here SciPy computes the same: samples at pixel
centres, nothing smoothed when an image shrinks, and, where an image grows, a border that is mixed with the
smallest value of the image. Interpolation orders 2 and 3 are splines; scikit-image had other cubics then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.errors import DataError

# What scikit-image calls the modes of its resize, as SciPy calls them for samples at pixel centres.
_MODES = {
    "constant": "grid-constant",
    "edge": "nearest",
    "nearest": "nearest",
    "symmetric": "reflect",
    "reflect": "mirror",
    "wrap": "grid-wrap",
}


def resize_image(im: np.ndarray, new_dims: Sequence[int] | np.ndarray, interp_order: int = 1) -> np.ndarray:
    """An image in another size, (H, W, K) to (new_dims[0], new_dims[1], K) float32.

    With 1 or 3 channels samples lie at pixel centres; beyond the border lies the smallest value of the image.
    With other numbers of channels the corners of both images coincide, as SciPy's zoom does it.
    interp_order : 0 nearest, 1 linear, 2 to 5 splines.
    Raises DataError where `im` has other axes or no pixels.
    """
    im = np.asarray(im)
    if im.ndim != 3 or 0 in im.shape:
        raise DataError(
            f"resize_image takes an image (height, width, channels), found an array of {im.shape}"
        )
    height, width = (int(n) for n in new_dims)
    if im.shape[2] not in (1, 3):
        return _zoom_corners(im, (height, width), interp_order)
    low, high = float(im.min()), float(im.max())
    if not high > low:
        return np.full((height, width, im.shape[2]), low, np.float32)
    channels = [
        _zoom_centres(im[..., k], (height, width), interp_order, "grid-constant", low)
        for k in range(im.shape[2])
    ]
    return np.clip(np.stack(channels, axis=-1), low, high).astype(np.float32)


def _zoom_centres(array: np.ndarray, shape: Sequence[int], order: int, mode: str, cval: float) -> np.ndarray:
    """Interpolate float64 values at the centres of the new pixels; `cval` lies beyond the border."""
    from scipy import ndimage

    factors = [new / old for new, old in zip(shape, array.shape, strict=True)]
    values = array.astype(np.float64)
    result: np.ndarray = ndimage.zoom(values, factors, order=order, mode=mode, cval=cval, grid_mode=True)
    return result


def _zoom_corners(im: np.ndarray, shape: tuple[int, int], order: int) -> np.ndarray:
    from scipy import ndimage

    factors = (shape[0] / im.shape[0], shape[1] / im.shape[1], 1)
    # "mirror" has the spline of SciPy's default, whose rounding can leave zeros in the last row or column.
    return np.asarray(ndimage.zoom(im, factors, order=order, mode="mirror"), np.float32)


def resize(
    image: Any,
    output_shape: Sequence[int],
    order: int = 1,
    mode: str = "constant",
    cval: float = 0.0,
    clip: bool = True,
    preserve_range: bool = False,
) -> np.ndarray:
    """The resize of scikit-image that scripts took from pycaffe's io: float64 of `output_shape`.

    output_shape : (height, width), channels then stay, or one length for each axis; new axes come last.
    Whole numbers are brought to 0..1 unless preserve_range. cval : beyond the border in mode "constant"; the
    other modes are edge, symmetric, reflect and wrap. clip : keep within the range of the image's values.
    Raises DataError for an unknown mode or empty arrays.
    """
    array = np.asarray(image)
    values = array.astype(np.float64) if preserve_range else as_float(array)
    shape = tuple(int(n) for n in output_shape)
    shape += array.shape[len(shape) :]
    if 0 in array.shape or 0 in shape:
        raise DataError(f"resize: an array of shape {array.shape} cannot become {tuple(output_shape)}")
    values = values.reshape(array.shape + (1,) * (len(shape) - array.ndim))
    if mode not in _MODES:
        raise DataError(f"resize: mode must be one of {', '.join(_MODES)}, found {mode!r}")
    result = _zoom_centres(values, shape, order, _MODES[mode], cval)
    if not clip or order == 0:
        return result
    low, high = values.min(), values.max()
    inside = np.clip(result, low, high)
    # A border of a value outside the image's own range stays what it is.
    return np.where(result == cval, result, inside) if mode == "constant" else inside


def as_float(array: np.ndarray) -> np.ndarray:
    """Values as float64: whole numbers without sign divided by the largest of their type, floats as they are.

    Raises DataError for other types.
    """
    if array.dtype.kind in "fb":
        return array.astype(np.float64)
    if array.dtype.kind == "u":
        return array / float(np.iinfo(array.dtype).max)
    raise DataError(
        f"values of type {array.dtype} have no known range: give uint8, uint16 or floats; or preserve_range"
    )


def oversample(
    images: Sequence[np.ndarray] | np.ndarray, crop_dims: Sequence[int] | np.ndarray
) -> np.ndarray:
    """The four corners and the centre of each image, then the same five mirrored.

    images : N of (H, W, K), all alike. crop_dims : (height, width).
    Returns (10 N, height, width, K) float32: top left, top right, bottom left, bottom right, centre (where it
    lies between pixels, the one before), mirrors. Raises DataError where images differ or are too small.
    """
    shapes = {np.shape(image) for image in images}
    if len(shapes) != 1:
        raise DataError(f"oversample takes images of one shape, found {sorted(shapes) or 'none'}")
    rows, columns, channels = shapes.pop()
    height, width = (int(n) for n in crop_dims)
    if height > rows or width > columns:
        raise DataError(f"oversample: crops of {height}x{width} are larger than images of {rows}x{columns}")
    down, right = rows - height, columns - width
    places = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    crops = np.empty((len(images), 10, height, width, channels), np.float32)
    for image, ten in zip(images, crops, strict=True):
        for crop, (y, x) in zip(ten, places, strict=False):
            crop[...] = image[y : y + height, x : x + width]
        ten[5:] = ten[:5, :, ::-1]
    return crops.reshape(-1, height, width, channels)
