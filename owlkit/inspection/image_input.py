"""From a photograph to what a net takes, and back to something to look at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.mean import read_mean
from owlkit.io.photographs import fitted, open_image
from owlkit.net.deploying import is_warped, size_before_crop

Mean = float | Sequence[float] | np.ndarray | str | os.PathLike[str]


class RecordPixels(np.ndarray):
    """(C, H, W) floats out of a record that is no photograph: in the net's order, but not prepared yet."""


@dataclass(frozen=True, eq=False)
class ImageInput:
    """How photographs become a net's input: (image * raw_scale, in `channels` order, - mean) * scale.

    mean : a number, one number per channel in the order of `channels`, a mean image (C, H, W), or the file of
        one (binaryproto or .npy). scale : factor afterwards. raw_scale : factor before the mean is taken off;
        images start out as 0 to 255. channels : "BGR", as Caffe's nets have it, or "RGB".
    fit : "crop" scales the shorter side and cuts out the middle; "warp" scales both sides.
    before : (height, width) that images are brought to first, where the middle of that is then cut out as the
        input, as a data layer with a crop_size does it; None brings them to the input's size at once.

    Nets of the Caffe era: ImageInput(mean=(104, 117, 123)); LeNet: ImageInput(scale=1 / 256).
    """

    mean: Mean = 0.0
    scale: float = 1.0
    raw_scale: float = 1.0
    channels: str = "BGR"
    fit: str = "crop"
    before: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.channels not in ("BGR", "RGB"):
            raise ValueError(f"channels is {self.channels!r}, expected 'BGR' or 'RGB'")
        if self.fit not in ("crop", "warp"):
            raise ValueError(f"fit is {self.fit!r}, expected 'crop' or 'warp'")

    def __call__(self, image: Any, shape: Sequence[int]) -> np.ndarray:
        """An image as (C, H, W) float32 for a net's input `shape`, (N, C, H, W) or (C, H, W).

        image : a path, a PIL image, uint8 (H, W, 3) RGB or (H, W) gray; uint8 (C, H, W) are planes in the
        net's own order, whatever `channels` says; an array of floats (C, H, W) counts as prepared already and
        must fit; those of a record are prepared as a data layer does it. Raises DataError where it does not
        fit, or cannot be read.
        """
        channels, height, width = shape[-3:]
        if isinstance(image, RecordPixels):
            return self._prepared(self._cut(np.asarray(image, np.float32), (channels, height, width)))
        if isinstance(image, np.ndarray) and image.dtype.kind == "f":
            if image.shape != (channels, height, width):
                raise DataError(
                    f"an array of floats counts as prepared and has the input's shape "
                    f"{(channels, height, width)}, not {image.shape}; photographs are uint8 (H, W, 3)"
                )
            return image.astype(np.float32, copy=False)
        if channels not in (1, 3):
            raise DataError(
                f"photographs have 1 or 3 channels, the net's input has {channels}; give arrays of floats"
            )
        return self._prepared(self._pixels(image, channels, height, width))

    def _prepared(self, pixels: np.ndarray) -> np.ndarray:
        """Of (C, H, W) float32 in the net's order of channels and size."""
        return (pixels * np.float32(self.raw_scale) - self._mean(pixels.shape)) * np.float32(self.scale)

    def _cut(self, pixels: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        """The middle of a record, where the net's data layer cuts crops."""
        _, height, width = shape
        top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
        cut = pixels[:, max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
        if cut.shape != shape or (self.before is None and pixels.shape != shape):
            raise DataError(
                f"a record of shape {pixels.shape} does not fit the net's input {shape}; only photographs, "
                "records of bytes with 1 or 3 channels, are brought to another size"
            )
        return cut

    def restore(self, prepared: np.ndarray) -> np.ndarray:
        """The other way: (C, H, W) floats as (H, W, 3) RGB or (H, W) gray, uint8.

        Of arrays that are no photographs (C neither 1 nor 3) it is the mean of the channels; NaN is black.
        """
        pixels = (prepared / self.scale + self._mean(prepared.shape)) / self.raw_scale
        if len(pixels) not in (1, 3):
            pixels = pixels.mean(0, keepdims=True)
        planes = np.clip(np.rint(np.nan_to_num(pixels)), 0, 255).astype(np.uint8)
        if len(planes) == 1:
            return planes[0]
        return planes[[self.channels.index(c) for c in "RGB"]].transpose(1, 2, 0)

    def _pixels(self, image: Any, channels: int, height: int, width: int) -> np.ndarray:
        """(C, H, W) float32, 0 to 255, in the net's order of channels."""
        if _are_planes(image, channels):
            return np.stack([self._fitted(open_image(plane), height, width) for plane in image])
        picture = open_image(image).convert("RGB" if channels == 3 else "L")
        array = self._fitted(picture, height, width)
        if channels == 1:
            return array[None]
        return array.transpose(2, 0, 1)[["RGB".index(c) for c in self.channels]]

    def _fitted(self, picture: Any, height: int, width: int) -> np.ndarray:
        """(H, W) or (H, W, 3) float32."""
        rows, columns = self.before or (height, width)
        if rows < height or columns < width:  # an input that was enlarged since
            rows, columns = height, width
        array = np.asarray(fitted(picture, rows, columns, warp=self.fit == "warp"), np.float32)
        top, left = (rows - height) // 2, (columns - width) // 2
        return array[top : top + height, left : left + width]

    def _mean(self, shape: Sequence[int]) -> np.ndarray:
        mean = self._read_mean
        if mean.ndim == 3:
            top, left = ((have - want) // 2 for have, want in zip(mean.shape[1:], shape[1:], strict=True))
            if top < 0 or left < 0:
                raise DataError(
                    f"the mean image {mean.shape} is smaller than the net's input {tuple(shape)}; "
                    "give one number per channel"
                )
            return mean[:, top : top + shape[1], left : left + shape[2]]
        if mean.ndim == 1 and len(mean) not in (1, shape[0]):
            raise DataError(
                f"mean has {len(mean)} numbers for {shape[0]} channels; give one, or one per channel"
            )
        return mean.reshape(-1, 1, 1)

    @cached_property
    def _read_mean(self) -> np.ndarray:
        if isinstance(self.mean, (str, os.PathLike)):
            path = Path(self.mean)
            mean = np.load(path, allow_pickle=False) if path.suffix == ".npy" else read_mean(path)
            return np.asarray(mean, np.float32)
        return np.asarray(self.mean, np.float32)


def _are_planes(image: Any, channels: int) -> bool:
    """Whether an array of bytes has its channels first."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3:
        return False
    return image.shape[0] == channels and image.shape[2] not in (1, 3, 4)


def input_of(net: Any) -> ImageInput:
    """How the net's own data layer prepares images in tests, by its transform_param, its crop included, and
    warped where an ImageData layer does that; as they are where it has none.

    net : Net, or anything with a `graph` (None for none).
    """
    net = getattr(net, "owlkit_net", net)  # of a caffe.Net
    graph = getattr(net, "graph", None)
    if graph is None:
        return ImageInput()
    for layer in graph.definition.layer:
        if not layer.bottom and (_says_how(p := layer.transform_param) or is_warped(layer)):
            mean: Mean = p.mean_file or (list(p.mean_value) if p.mean_value else 0.0)
            fit = "warp" if is_warped(layer) else "crop"
            return ImageInput(mean=mean, scale=p.scale, fit=fit, before=size_before_crop(graph, layer))
    return ImageInput()


def is_told(net: Any) -> bool:
    """Whether a net says how its images are prepared: by its transform_param, or by a data layer without one,
    which takes them as they are."""
    graph = getattr(net, "owlkit_net", net).graph
    sources = [node.layer for node in graph.nodes if not node.bottom]
    return any(layer.is_data or _says_how(layer.param.transform_param) for layer in sources)


def _says_how(param: Any) -> bool:
    return bool(param.mean_file or param.mean_value or param.HasField("scale") or param.crop_size)
