"""Image regions that R-CNN's window files list, sampled and warped into batches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.batches import Batch
from owlkit.io.datum import decode
from owlkit.io.files import read_bytes
from owlkit.io.images import resize
from owlkit.io.window_files import Windows

Box = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels, the last ones included


@dataclass(frozen=True)
class Crop:
    """Where a window is taken from an image and where it goes in the square crop.

    box : in the image. height, width : what it is resized to. top, left : its place in the crop.
    """

    box: Box
    height: int
    width: int
    top: int = 0
    left: int = 0


def place(box: Box, image: tuple[int, int], size: int, pad: int, square: bool, mirror: bool) -> Crop:
    """How a window of an image, (H, W), fills a crop of `size`, as Caffe's WindowDataLayer does it.

    pad : context around the window, in pixels of the crop. square : widen the window to a square first.
    What lies outside the image is left out, so the crop keeps a border there.
    """
    if not pad and not square:
        return Crop(box, size, size)
    x1, y1, x2, y2 = box
    scale = size / (size - 2 * pad)
    half_height, half_width = (y2 - y1 + 1) / 2, (x2 - x1 + 1) / 2
    center_y, center_x = y1 + half_height, x1 + half_width
    if square:
        half_height = half_width = max(half_height, half_width)
    vertical = _along(center_y, half_height * scale, image[0], size)
    across = _along(center_x, half_width * scale, image[1], size)
    top, left = vertical.before, across.after if mirror else across.before
    height, width = min(vertical.length, size - top), min(across.length, size - left)
    return Crop((across.first, vertical.first, across.last, vertical.last), height, width, top, left)


@dataclass(frozen=True)
class _Span:
    """One axis of a crop: pixels `first` to `last` of the image become `length`, between two borders."""

    first: int
    last: int
    length: int
    before: int
    after: int


def _along(center: float, half: float, limit: int, size: int) -> _Span:
    first, last = _round(center - half), _round(center + half)
    scale = size / (last - first + 1)
    before, after = max(0, -first), max(0, last - limit + 1)
    first, last = first + before, last - after
    return _Span(
        first, last, _round((last - first + 1) * scale), _round(before * scale), _round(after * scale)
    )


def _round(value: float) -> int:
    """C's round: halves go away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


@dataclass
class WindowReader:
    """Batches of warped windows: background first, then a fixed share of foreground, drawn at random.

    foreground, background : numbers of the windows of each kind. size : of a batch; `foreground_count` of it.
    crop : height and width of an item. pad, square : see `place`. mirror : flip each with probability 1/2.
    mean : (C, h, w) image of at least the crop's size, its centre is used; (C, 1, 1) values; or None.
    scale : factor after the mean. cache : keep the files' bytes. folder : put before each path, as it is.
    seed : batch `number` is drawn from the seed and its number alone. skip : unused, 0.
    """

    windows: Windows
    foreground: np.ndarray
    background: np.ndarray
    size: int
    foreground_count: int
    crop: int
    pad: int = 0
    square: bool = False
    mirror: bool = False
    mean: np.ndarray | None = None
    scale: float = 1.0
    cache: bool = False
    folder: str = ""
    seed: int = 0
    skip: int = 0
    light: ClassVar[bool] = False  # images are decoded
    _files: dict[str, bytes] = field(default_factory=dict)

    def fill(self, number: int, batch: Batch) -> None:
        """Write batch `number` into `batch`. Raises DataError naming an image that fails."""
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=number << 128))
        rest = self.size - self.foreground_count
        chosen = np.concatenate(
            [_draw(rng, self.background, rest), _draw(rng, self.foreground, self.foreground_count)]
        )
        flips = rng.integers(0, 2, self.size).astype(bool) & self.mirror
        batch.labels[:rest] = 0
        batch.labels[rest:] = self.windows.label[chosen[rest:]]
        batch.keys = [self.key(index) for index in chosen]
        for item, index, flip in zip(batch.data, chosen.tolist(), flips.tolist(), strict=True):
            self._write(item, index, flip)

    def key(self, index: int) -> bytes:
        """Image and box of a window, to name it."""
        x1, y1, x2, y2 = self.windows.boxes[index].tolist()
        return f"{self.path(index)} [{x1}, {y1}, {x2}, {y2}]".encode()

    def path(self, index: int) -> str:
        """Of the image that window `index` is in."""
        return self.folder + self.windows.paths[self.windows.image[index]]

    def _write(self, item: np.ndarray, index: int, flip: bool) -> None:
        """item : (C, crop, crop), zeros where the window does not reach."""
        image = self._image(index)
        height, width = image.shape[1:]
        x1, y1, x2, y2 = self.windows.boxes[index].tolist()
        crop = place((x1, y1, x2, y2), (height, width), self.crop, self.pad, self.square, flip)
        x1, y1, x2, y2 = crop.box
        inside = 0 <= x1 <= x2 < width and 0 <= y1 <= y2 < height and crop.height > 0 and crop.width > 0
        if not inside:
            raise DataError(
                f"window {self.key(index).decode()} reaches outside its image of {width}x{height} pixels; "
                "correct the window file, or set context_pad, which allows a border"
            )
        window = resize(image[:, y1 : y2 + 1, x1 : x2 + 1], crop.height, crop.width)
        rows, columns = slice(crop.top, crop.top + crop.height), slice(crop.left, crop.left + crop.width)
        item[...] = 0
        item[:, rows, columns] = window[:, :, ::-1] if flip else window
        if self.mean is not None:
            mean = np.broadcast_to(self.mean, item.shape)
            item[:, rows, columns] -= mean[:, rows, columns]
        if self.scale != 1:
            item *= np.float32(self.scale)

    def _image(self, index: int) -> np.ndarray:
        path = self.path(index)
        content = self._files.get(path) or read_bytes(path, "image file")
        if self.cache:
            self._files[path] = content
        gray = self.windows.channels == 1
        return decode(content, path=path, color=not gray, gray=gray)


def _draw(rng: np.random.Generator, pool: np.ndarray, count: int) -> np.ndarray:
    """`count` windows of a pool, with repetition."""
    return pool[rng.integers(0, len(pool), count)] if count else pool[:0]
