"""Images looked through for a layer's units: what was found so far, with pictures; it can be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.answers import Answers, Box, Search
from owlkit.inspection.patches import TopPatches
from owlkit.io.photographs import open_image

from .answer_pixels import Pictures, rgb

SIDE = 28  # pixels of a tile


class PatchSearch:
    """`go` looks on from where it was left. tiles : (units, SIDE, SIDE, 4) uint8 r, g, b, a, what each unit
    answers to most.
    """

    def __init__(self, shown: TopPatches, layer: str) -> None:
        search = Search(shown.net, shown.source, layer, shown.count, shown.prepare)
        self._search, self._prepare = search, shown.prepare
        self._batches: Iterator[tuple[NDArray[Any], NDArray[Any]]] = search.batches()
        self._found: Answers | None = None
        self.layer, self.seconds = layer, 0.0
        self.tiles = np.zeros((search.units, SIDE, SIDE, 4), np.uint8)

    @classmethod
    def over(cls, shown: TopPatches, answers: Answers, pictures: Pictures) -> PatchSearch:
        """One that has ended, with these answers."""
        made = cls(shown, answers.layer)
        made._found = answers
        for unit in range(answers.units):
            picture = pictures.get(int(answers.images[unit, 0]), answers.input_shape)
            made.tiles[unit] = tile(picture, answers.box(unit, 0))
        return made

    @property
    def answers(self) -> Answers:
        """What was found in the images seen so far."""
        return self._found if self._found is not None else self._search.answers

    @property
    def total(self) -> int:
        """Images that there are to look at, without those that cannot be read."""
        return self._search.source.readable

    @property
    def ended(self) -> bool:
        return self._found is not None

    def go(self, on_batch: Callable[[], None]) -> None:
        """Look on, to the end or until `on_batch`, called after each batch, raises."""
        while self._found is None:
            began = time.perf_counter()
            batch = next(self._batches, None)
            if batch is not None:
                self._cut(*batch)
            self.seconds += time.perf_counter() - began
            if batch is None:
                self._found = self._search.answers
            else:
                on_batch()

    def _cut(self, numbers: NDArray[Any], batch: NDArray[Any]) -> None:
        """Tiles of the units that answer most to an image of this batch, (n,) and (n, C, H, W)."""
        found = self._search.answers
        newest = found.images[:, 0]
        changed = np.flatnonzero(np.isin(newest, numbers))
        places = {int(number): place for place, number in enumerate(numbers)}
        wanted = set(newest[changed].tolist())
        pictures = {i: rgb(self._prepare.restore(batch[places[i]])) for i in wanted}
        for unit in changed.tolist():
            self.tiles[unit] = tile(pictures[int(newest[unit])], found.box(unit, 0))


def tile(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """What lies in a box, (SIDE, SIDE, 4): as large as fits, transparent around it."""
    from PIL import Image

    cut = picture[box[0] : box[2], box[1] : box[3]]
    scale = SIDE / max(cut.shape[:2])
    height, width = (max(1, round(length * scale)) for length in cut.shape[:2])
    smooth = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    out = np.zeros((SIDE, SIDE, 4), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    resized = open_image(np.ascontiguousarray(cut)).resize((width, height), smooth)
    out[top : top + height, left : left + width, :3] = np.asarray(resized)
    out[top : top + height, left : left + width, 3] = 255
    return out
