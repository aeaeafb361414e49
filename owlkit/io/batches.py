"""Batches of records: batch `number` of a set depends on its number and a seed alone."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from owlkit.core.lane import Lane
from owlkit.core.tensor import Tensor
from owlkit.io.alike import parse_alike
from owlkit.io.datum import datum_to_array, join_raw, parse_datum
from owlkit.io.kept import Kept
from owlkit.io.records import RecordCursor, Records
from owlkit.io.transform import Transformer

LIGHT_BYTES = 2**17  # of a batch's images: some tens of microseconds; handing it over takes as long
Images = Sequence[np.ndarray] | np.ndarray  # N of (C, H, W)


@dataclass
class Batch:
    """One batch in memory that is used again and again.

    data : (N, C, h, w) float32 or float64, channels-last in memory: the first array of `lane`, unless a
        reader has put one of another shape in its place.
    labels : (N,) int64, as in the records. keys : N keys.
    lane : the way to the device that data goes, and labels with it, where it has arrays for both.
    """

    data: np.ndarray
    labels: np.ndarray
    keys: list[bytes] = field(default_factory=list)
    lane: Lane | None = None

    @classmethod
    def empty(cls, shape: tuple[int, ...], dtype: Any = np.float32) -> Batch:
        """shape : (N, C, h, w)."""
        n, c, h, w = shape
        return cls(np.empty((n, h, w, c), dtype).transpose(0, 3, 1, 2), np.empty(n, np.int64))

    @classmethod
    def on(cls, lane: Lane) -> Batch:
        """A batch that goes to a device by `lane`."""
        data = lane.arrays[0]
        return cls(data, np.empty(data.shape[0], np.int64), lane=lane)

    def send(self) -> None:
        """Begin to move it to the device, where it fits the lane; for the thread that has made it."""
        lane = self.lane
        if lane is not None and self.data is lane.arrays[0]:
            for array in lane.arrays[1:]:
                array[...] = self.labels
            lane.send()

    def put(self, tensors: Sequence[Tensor]) -> None:
        """Put the data, and where there is a second tensor the labels, into tensors of their shapes."""
        lane = self.lane
        if lane is not None and self.data is lane.arrays[0]:
            lane.receive(tensors)
            return
        for tensor, values in zip(tensors, (self.data, self.labels), strict=False):
            tensor.array[...] = values


class BatchReader:
    """Reads batches of `size` records, transformed, round and round a set.

    skip : records left out at the very start. seed : of random crops and mirrors; batch `number` draws from
    Philox(key=seed) at a counter of its own, so that batches can be made in any order.
    """

    def __init__(
        self, records: Records, transformer: Transformer, size: int, *, seed: int = 0, skip: int = 0
    ) -> None:
        self.records, self.transformer, self.size = records, transformer, size
        self.seed, self.skip = seed, skip
        self._cursor: RecordCursor | None = None
        self._reading = threading.Lock()  # whoever interrupts the end of a thread begins another beside it
        self._kept: Kept | None = None

    @property
    def light(self) -> bool:
        """Whether batches are made in a moment: small ones of a set that is kept, each image alike."""
        kept = self._kept
        if kept is None or self.transformer.needs_random:
            return False
        return self.size * math.prod(kept.shape) <= LIGHT_BYTES and kept.whole

    def shape(self) -> tuple[int, ...]:
        """(C, h, w) of a transformed image, from the first record. Raises DataError where it does not fit."""
        key, value = self.records.first()
        image = self._image(parse_datum(value, key), key)
        return self.transformer.output_shape(image.shape, f"the records of {self.records.path}")

    def fill(self, number: int, batch: Batch) -> None:
        """Write batch `number` into `batch`. Raises DataError naming the key of a record that fails."""
        start = (self.skip + number * self.size) % len(self.records)
        known = self._kept.take(start, self.size) if self._kept is not None else None
        batch.keys, images, batch.labels[:] = known or self._read(start)
        self.transformer(images, batch.data, self._generator(number), batch.keys)

    def _read(self, start: int) -> tuple[list[bytes], Images, Any]:
        """Keys, images and labels of the records from `start` on."""
        with self._reading:
            if self._cursor is None:
                self._cursor = self.records.cursor()
            if self._cursor.index != start:
                self._cursor.seek(start)
            keys, values = zip(*self._cursor.take(self.size), strict=True)
        return list(keys), *self._parsed(self._cursor, start, keys, values)

    def _parsed(
        self, cursor: RecordCursor, start: int, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> tuple[Images, Any]:
        """Images and labels of records that were read; those that are alike are kept."""
        asked = self.transformer.color or self.transformer.gray
        alike = None if asked else parse_alike(values)
        if alike is not None:
            self._kept = cursor.kept(alike[0].shape[1:])
            if self._kept is not None:
                self._kept.put(start, keys, *alike)
            return alike
        datums = [parse_datum(value, key) for key, value in zip(keys, values, strict=True)]
        return self._images(datums, keys), [datum.label for datum in datums]

    def _images(self, datums: Sequence[Any], keys: Sequence[bytes]) -> Images:
        """The images (C, H, W), as one array (N, C, H, W) where they are raw and alike."""
        if not (self.transformer.color or self.transformer.gray):
            joined = join_raw(datums)
            if joined is not None:
                return joined
        return [self._image(datum, key) for datum, key in zip(datums, keys, strict=True)]

    def _image(self, datum: Any, key: bytes) -> np.ndarray:
        return datum_to_array(datum, key, color=self.transformer.color, gray=self.transformer.gray)

    def _generator(self, number: int) -> np.random.Generator | None:
        if not self.transformer.needs_random:
            return None
        return np.random.Generator(np.random.Philox(key=self.seed, counter=number << 128))
