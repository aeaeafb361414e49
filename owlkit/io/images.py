"""Image files: lists of them, resizing, and batches of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from owlkit.core.errors import DataError, MissingFileError
from owlkit.io.batches import Batch
from owlkit.io.datum import decode
from owlkit.io.files import is_there, read_bytes
from owlkit.io.transform import Transformer

_LABEL = re.compile(r"[+-]?[0-9]+")
_DIGITS = 100  # Python takes its time to read a number of many more
_SHOWN = 10  # wrong lines of a list that are told in full


def read_image(path: str, *, color: bool) -> np.ndarray:
    """An image file as (3, H, W) uint8 in the order blue, green, red, or (1, H, W) gray.

    Raises DataError where it is missing or cannot be decoded.
    """
    return decode(read_bytes(path, "image file"), path=path, color=color, gray=not color)


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (C, H, W) uint8 to (C, height, width) uint8, as OpenCV's INTER_LINEAR does, which Caffe uses.

    Samples lie at pixel centres, the border is repeated, and nothing is smoothed when an image shrinks.
    """
    if image.shape[1:] == (height, width):
        return image
    top, bottom, down = _taps(image.shape[1], height)
    left, right, along = _taps(image.shape[2], width)
    rows = image[:, top] * (1 - down)[:, None] + image[:, bottom] * down[:, None]
    mixed = rows[:, :, left] * (1 - along) + rows[:, :, right] * along
    return np.rint(mixed).astype(np.uint8)


def _taps(length: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `wanted` samples: the two pixels it lies between, and the weight of the second, float32."""
    centre = (np.arange(wanted) + 0.5) * (length / wanted) - 0.5
    centre = np.clip(centre, 0, length - 1)
    first = np.floor(centre).astype(np.intp)
    return first, np.minimum(first + 1, length - 1), (centre - first).astype(np.float32)


def read_image_list(source: str | Path) -> tuple[list[str], np.ndarray]:
    """Names and labels, (N,) int64 in the range of int32, of a text file with `name label` in each line.

    White space before the label ends a name, so names may have spaces. (Caffe takes a space only, and 0 for
    a label that is no number.) Raises DataError naming all lines that are not so, the first ten in full.
    """
    try:
        lines = read_bytes(source, "list of images").decode().split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"the list of images {source} is not a text file: {error}") from error
    names, labels, wrong = [], [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, label = (["", *line.rsplit(maxsplit=1)])[-2:]
        if problem := _line_problem(name, label):
            wrong.append(f"line {number}: {problem}, found {line.strip()[:200]!r}")
        else:
            names.append(name.strip())
            labels.append(int(label))
    if wrong:
        raise _wrong_lines(source, wrong)
    if not names:
        raise DataError(f"{source} lists no images; write `name label` in each line")
    return names, np.array(labels, np.int64)


def _line_problem(name: str, label: str) -> str:
    """What a line of a list should have been; "" where it is so."""
    if not name.strip() or not _LABEL.fullmatch(label):
        return "expected `name label`"
    if len(label) > _DIGITS or not -(2**31) <= int(label) < 2**31:
        return "expected a label within int32, which Caffe's records hold"
    return ""


def _wrong_lines(source: str | Path, wrong: list[str]) -> DataError:
    if len(wrong) == 1:
        return DataError(f"{source}, {wrong[0]}")
    shown = [*wrong[:_SHOWN], *([f"and {len(wrong) - _SHOWN:,} more"] if len(wrong) > _SHOWN else [])]
    return DataError(f"{source} has {len(wrong):,} wrong lines; correct them:\n  " + "\n  ".join(shown))


@dataclass
class ImageReader:
    """Batches of `size` images from a list, round and round.

    names, labels : of the images. folder : put before each name, as it is.
    height, width : to resize to; 0 keeps an image's size. color : three channels, or one.
    shuffle : a new order in every pass. seed : of the order, random crops and mirrors. skip : images left out
    at the very start. A batch is made from its number, the seed and `skip` alone.
    any_size : batches may have the shape of their first image; otherwise all must be as the first one.
    """

    names: Sequence[str]
    labels: np.ndarray
    transformer: Transformer
    size: int
    folder: str = ""
    height: int = 0
    width: int = 0
    color: bool = True
    shuffle: bool = False
    any_size: bool = False
    seed: int = 0
    skip: int = 0
    light: ClassVar[bool] = False  # images are decoded

    def shape(self) -> tuple[int, ...]:
        """(C, h, w) of the first image, transformed. Raises DataError where it does not fit."""
        index = self._indices(0)[0]
        return self.transformer.output_shape(self._image(index).shape, f"image {self.path(index)}")

    def fill(self, number: int, batch: Batch) -> None:
        """Write batch `number` into `batch`. Raises DataError naming an image that fails."""
        indices = self._indices(number)
        images = [self._image(index) for index in indices]
        batch.keys = [self.path(index).encode() for index in indices]
        batch.labels[:] = self.labels[indices]
        if self.any_size:
            shape = self.transformer.output_shape(images[0].shape, f"image {self.path(indices[0])}")
            if batch.data.shape[1:] != shape:
                batch.data = Batch.empty((self.size, *shape), batch.data.dtype).data
        self.transformer(images, batch.data, self._generator(number << 128), batch.keys)

    def path(self, index: int) -> str:
        return self.folder + self.names[index]

    def _image(self, index: int) -> np.ndarray:
        try:
            image = read_image(self.path(index), color=self.color)
        except MissingFileError as error:
            if self.folder and is_there(Path(f"{self.folder}/{self.names[index]}")):
                error.add(f"the folder is put before names as it is: write {self.folder}/")
            raise
        return resize(image, self.height, self.width) if self.height else image

    def _indices(self, number: int) -> np.ndarray:
        places = self.skip + number * self.size + np.arange(self.size)
        passes, offsets = np.divmod(places, len(self.names))
        if not self.shuffle:
            return offsets
        orders = {n: self._order(int(n)) for n in np.unique(passes)}
        return np.array([orders[n][offset] for n, offset in zip(passes, offsets, strict=True)])

    def _order(self, number: int) -> np.ndarray:
        """The order of pass `number`; batches draw from lower counters."""
        return self._generator((number + 1) << 192).permutation(len(self.names))

    def _generator(self, counter: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self.seed, counter=counter))
