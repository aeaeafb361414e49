"""Small sets of raw images, kept in memory as they are read: after the first pass a batch is a piece of it.

Sets that are large are left to the disk's cache: there the reading counts less than the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_BYTES = 256 * 2**20  # of the images of a set


class Kept:
    """Images, labels and keys of a set of `count` records, as far as they were read.

    shape : (C, H, W) of each image, uint8. Several threads may read and write at a time: a record is written
    before it is said to be there, and is the same whoever writes it.
    """

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._images = np.empty((count, *shape), np.uint8)  # the system gives memory for what is written
        self._labels = np.zeros(count, np.int64)
        self._keys = [b""] * count
        self._there = np.zeros(count, bool)
        self._whole = False

    @staticmethod
    def fits(count: int, shape: Sequence[int]) -> bool:
        """Whether so many images are few enough to be kept."""
        return count * math.prod(shape) <= MOST_BYTES

    @property
    def whole(self) -> bool:
        """Whether every record is there."""
        self._whole = self._whole or bool(self._there.all())
        return self._whole

    def take(self, start: int, count: int) -> tuple[list[bytes], np.ndarray, np.ndarray] | None:
        """Keys, images (N, C, H, W) and labels (N,) of `count` records from `start` on, round the set.

        They are not to be written to. None where one was not read yet.
        """
        end = start + count
        if end <= len(self._keys):
            if not (self._whole or self._there[start:end].all()):
                return None
            return self._keys[start:end], self._images[start:end], self._labels[start:end]
        places = np.arange(start, end) % len(self._keys)
        if not (self._whole or self._there[places].all()):
            return None
        return [self._keys[place] for place in places], self._images[places], self._labels[places]

    def put(self, start: int, keys: Sequence[bytes], images: np.ndarray, labels: np.ndarray) -> None:
        """Keep the records from `start` on, round the set; nothing where their images have another shape."""
        if images.shape[1:] != self.shape:
            return
        places = np.arange(start, start + len(keys)) % len(self._keys)
        self._images[places], self._labels[places] = images, labels
        for place, key in zip(places.tolist(), keys, strict=True):
            self._keys[place] = key
        self._there[places] = True
