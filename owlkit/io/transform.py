"""Caffe's data transform: crop, mirror, subtract a mean, scale; a batch at a time, into the top's memory.

    y = (x - mean) * scale            x cropped; mean of the uncropped image at the same pixels

Crops are random in the train phase and central in the test phase. Mirroring, where asked for, is random in
both phases: that is Caffe's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.datum import show_key
from owlkit.io.mean import read_mean

Shape = tuple[int, ...]


class Transformer:
    """What a TransformationParameter asks for, as a function of images.

    param : TransformationParameter. phase : "train" or "test".
    rng : default source of random crops and mirrors; a call can give its own.
    needs_random : whether the outcome depends on random numbers.

    Raises DataError for parameters that contradict each other, and for a mean file that cannot be read.
    """

    def __init__(self, param: Any, phase: str, rng: np.random.Generator | None = None) -> None:
        if param.force_color and param.force_gray:
            raise DataError("transform_param: force_color and force_gray cannot both be set")
        if param.mean_file and len(param.mean_value):
            raise DataError("transform_param: mean_file and mean_value cannot both be set")
        self.rng = rng
        self.crop = int(param.crop_size)
        self.mirror = bool(param.mirror)
        self.random_crop = phase == "train" and self.crop > 0
        self.needs_random = self.mirror or self.random_crop
        self.scale = np.float32(param.scale)
        self.color, self.gray = bool(param.force_color), bool(param.force_gray)
        self.mean_values = np.array(param.mean_value, np.float32)
        self.mean_file = str(param.mean_file)
        self.mean = read_mean(self.mean_file) if self.mean_file else None
        self._checked: set[tuple[Shape, Shape]] = set()  # shapes of images, and what they become
        self._mean_rows: dict[bool, np.ndarray] = {}

    def output_shape(self, shape: Shape, what: str = "images") -> Shape:
        """(C, h, w) that an image of `shape` = (C, H, W) becomes.

        what : named in the error. Raises DataError where crop, mean file or mean values do not fit the image.
        """
        channels, height, width = shape
        if self.crop > min(height, width):
            raise DataError(
                f"{what}: crop_size {self.crop} exceeds the size {height}x{width}; "
                "lower crop_size or enlarge the images"
            )
        if self.mean is not None and self.mean.shape != tuple(shape):
            raise DataError(
                f"{what} have shape {tuple(shape)}, but the mean in {self.mean_file} has {self.mean.shape}; "
                "it must be of whole images before cropping: compute it from this set, or use mean_value"
            )
        if self.mean_values.size not in (0, 1, channels):
            raise DataError(
                f"{what} have {channels} channels, but {self.mean_values.size} mean_value are given; "
                f"give one, or {channels}"
            )
        return (channels, self.crop or height, self.crop or width)

    def __call__(
        self,
        images: Sequence[np.ndarray] | np.ndarray,
        out: np.ndarray,
        rng: np.random.Generator | None = None,
        keys: Sequence[bytes] = (),
    ) -> None:
        """Transform a batch.

        images : N arrays (C, H, W), uint8 or float, or one array (N, C, H, W) of them. out : (N, C, h, w)
        float, any order in memory (channels-last is fastest). keys : of the records, for the error.
        Raises DataError for an image that does not fit `out`.
        """
        shapes = [images.shape[1:]] if isinstance(images, np.ndarray) else [image.shape for image in images]
        for i, shape in enumerate(shapes):
            if (shape, out.shape[1:]) not in self._checked:
                self._check(shape, out.shape[1:], keys[i] if i < len(keys) else str(i).encode())
        target = out.transpose(0, 2, 3, 1)
        memory = target if target.flags.c_contiguous else np.empty(target.shape, out.dtype)
        if not self.needs_random and len(set(shapes)) == 1:
            self._uniform(np.asarray(images), memory)
        else:
            self._one_by_one(images, memory, rng if rng is not None else self.rng)
        if memory is not target:
            target[...] = memory

    def _check(self, shape: Shape, expected: Shape, key: bytes) -> None:
        what = f"record {show_key(key)}"
        found = self.output_shape(shape, what)
        if found != expected:
            raise DataError(
                f"{what} has shape {tuple(shape)}, which gives {found}; expected {tuple(expected)} as of "
                "the first record: resize the images, when converting or by new_height and new_width of "
                "ImageData, or set crop_size"
            )
        self._checked.add((shape, expected))

    def _uniform(self, images: np.ndarray, memory: np.ndarray) -> None:
        """images : (N, C, H, W). memory : (N, h, w, C) contiguous."""
        height, width = memory.shape[1:3]
        y, x = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
        for channel in range(memory.shape[3]):
            memory[..., channel] = images[:, channel, y : y + height, x : x + width]
        rows = memory.reshape(len(memory), height, -1)
        self._normalise(rows, y, x, images.shape[3], flip=False)

    def _one_by_one(
        self, images: Sequence[np.ndarray] | np.ndarray, memory: np.ndarray, rng: np.random.Generator | None
    ) -> None:
        """memory : (N, h, w, C) contiguous."""
        height, width = memory.shape[1:3]
        ys, xs, flips = self._draw(images, rng)
        for image, target, y, x, flip in zip(images, memory, ys, xs, flips, strict=True):
            window = image[:, y : y + height, x : x + width]
            if flip:
                window = window[:, :, ::-1]
            for channel in range(len(window)):
                target[..., channel] = window[channel]
            if self.mean is not None:  # other pixels of it for each image
                self._normalise(target.reshape(height, -1), y, x, image.shape[2], flip)
        if self.mean is None:
            self._normalise(memory.reshape(len(memory), height, -1), 0, 0, width, flip=False)

    def _draw(
        self, images: Sequence[np.ndarray] | np.ndarray, rng: np.random.Generator | None
    ) -> tuple[list[int], list[int], list[bool]]:
        """Corner (y, x) of each crop and whether it is mirrored."""
        if self.needs_random and rng is None:
            raise ValueError("random crops and mirrors need a generator")
        sizes = np.array([image.shape[1:] for image in images])
        room = sizes - self.crop if self.crop else np.zeros_like(sizes)
        corners = rng.integers(0, room + 1) if self.random_crop and rng is not None else room // 2
        flips = rng.integers(0, 2, len(images)) if self.mirror and rng is not None else np.zeros(len(images))
        return corners[:, 0].tolist(), corners[:, 1].tolist(), flips.astype(bool).tolist()

    def _normalise(self, rows: np.ndarray, y: int, x: int, image_width: int, flip: bool) -> None:
        """rows : (..., h, w * C), in place: whole rows keep NumPy's inner loop long."""
        height = rows.shape[-2]
        if self.mean is not None:
            channels = len(self.mean)
            width = rows.shape[-1] // channels
            start = image_width - x - width if flip else x
            mean = self._mean_as_rows(flip)[y : y + height, start * channels : (start + width) * channels]
            np.subtract(rows, mean, out=rows)
        elif self.mean_values.size == 1:
            np.subtract(rows, self.mean_values[0], out=rows)
        elif self.mean_values.size:
            np.subtract(rows, np.tile(self.mean_values, rows.shape[-1] // self.mean_values.size), out=rows)
        if self.scale != 1:
            np.multiply(rows, self.scale, out=rows)

    def _mean_as_rows(self, flip: bool) -> np.ndarray:
        """The mean image, mirrored where `flip`, as (H, W * C) float32."""
        if flip not in self._mean_rows:
            assert self.mean is not None
            mean = self.mean[:, :, ::-1] if flip else self.mean
            self._mean_rows[flip] = np.ascontiguousarray(mean.transpose(1, 2, 0)).reshape(mean.shape[1], -1)
        return self._mean_rows[flip]
