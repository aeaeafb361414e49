"""What the units of a layer answer to a set of images: the largest answers, and how often there is any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.receptive_field import ReceptiveField, receptive_field
from owlkit.inspection.twin import Twin, batch_for

if TYPE_CHECKING:
    from owlkit.net import Net

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """What a unit saw when it answered with `value`.

    index : of the image in the source. box : (top, left, bottom, right) in pixels of the net's input.
    pixels : uint8, (h, w, 3) RGB or (h, w), the image inside of the box. name : the record's key, the file's
    name, or the number as text.
    """

    value: float
    index: int
    box: Box
    pixels: np.ndarray
    name: str = ""


@dataclass(frozen=True)
class Answers:
    """Of each unit the `count` images that it answers to most, an image counting once.

    values, images, places : (units, count), largest first: the answer, the image's number in the source, the
    place in the layer's plane (row * width + column). plane : (rows, columns). fired : (units,) share of all
    places with an answer above 0. seen : images. input_shape : (N, C, H, W) of the net's input.
    """

    layer: str
    values: np.ndarray
    images: np.ndarray
    places: np.ndarray
    plane: tuple[int, int]
    fired: np.ndarray
    seen: int
    field: ReceptiveField
    input_shape: tuple[int, ...]

    @property
    def units(self) -> int:
        return len(self.values)

    def place(self, unit: int, rank: int) -> tuple[int, int]:
        """(row, column) of the unit's answer of this rank."""
        row, column = divmod(int(self.places[unit, rank]), self.plane[1])
        return row, column

    def box(self, unit: int, rank: int) -> Box:
        """What the unit saw then: (top, left, bottom, right) in the net's input."""
        return self.field.box(*self.place(unit, rank), self.input_shape)


def find_answers(
    net: Net,
    source: ImageSource,
    layer: str,
    *,
    count: int = 9,
    prepare: ImageInput | None = None,
    on_images: Callable[[int], None] = lambda seen: None,
) -> Answers:
    """Run the images through a net and keep each unit's largest answers.

    on_images : told how many are done; what it raises ends the work.

    Raises NetError for an unknown layer, or one whose receptive field cannot be told.
    """
    search = Search(net, source, layer, count, prepare or input_of(net))
    for _ in search.batches():
        on_images(search.seen)
    return search.answers


class Search:
    """The same, batch by batch: `answers` is what was found so far.

    Raises NetError for an unknown layer, or one whose receptive field cannot be told.
    """

    def __init__(self, net: Net, source: ImageSource, layer: str, count: int, prepare: ImageInput) -> None:
        self.source, self.layer, self.count, self.prepare = source, layer, count, prepare
        self._twin = Twin(net, batch_for(net, len(source)))
        self._name = self._twin.layer_of(layer)
        self.field = receptive_field(self._twin.net.graph, self._twin.net.top_names[self._name][0])
        top = self._twin.top(self._name)
        self.units, self.plane = top.shape[1], (top.shape[2:4] if top.ndim == 4 else (1, 1))
        self._best, self._fired, self.seen = _Best(self.units), np.zeros(self.units), 0

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Runs a batch, and gives it, numbers (n,) and prepared images (n, C, H, W).

        It is part of `answers` then. Images that cannot be read are left out. Raises DataError where none is
        left.
        """
        for numbers, batch in self.source.batches(self.prepare, self._twin.shape):
            answers = self._twin.run(batch, self._name).reshape(len(batch), self.units, -1)
            self._fired += (answers > 0).mean(2).sum(0)
            self._best.add(answers.max(2).T, answers.argmax(2).T, numbers, self.count)
            self.seen += len(batch)
            yield numbers, batch

    @property
    def answers(self) -> Answers:
        share, plane = self._fired / max(self.seen, 1), (self.plane[0], self.plane[1])
        shape = self._twin.shape
        return Answers(self.layer, *self._best.arrays, plane, share, self.seen, self.field, shape)


class _Best:
    """The largest values so far, with the images and places they are from: three arrays (units, so many)."""

    def __init__(self, units: int) -> None:
        self.arrays = (
            np.zeros((units, 0), np.float32),
            np.zeros((units, 0), np.int64),
            np.zeros((units, 0), np.int64),
        )

    def add(self, values: np.ndarray, places: np.ndarray, numbers: np.ndarray, count: int) -> None:
        """values, places : (units, n) of the images with these numbers (n,)."""
        images = np.broadcast_to(numbers, values.shape)
        added: tuple[np.ndarray, ...] = (values, images, places)
        known: tuple[np.ndarray, ...] = self.arrays
        joined = [np.concatenate(pair, 1) for pair in zip(known, added, strict=True)]
        order = np.argsort(-joined[0], axis=1, kind="stable")[:, :count]  # of equal ones the first image
        kept = [np.take_along_axis(array, order, 1) for array in joined]
        self.arrays = (kept[0], kept[1], kept[2])
