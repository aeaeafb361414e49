"""What the units of a layer answered to, as bytes: patches with what surrounds them, the image, the map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.answers import Answers, Box
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.twin import Twin

CONTEXT = 2.8  # how much more than its receptive field a small patch shows
SMALL = 0.3  # a field beneath this share of the image is small
LOUD = 99.5  # per cent of a map's places that lie within its scale
MOST_KEPT = 64  # pictures, those asked for last


class Pictures:
    """Images of a source as the net gets them; those asked for last are kept."""

    def __init__(self, images: ImageSource, prepare: ImageInput) -> None:
        self.images, self.prepare = images, prepare
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def get(self, index: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """(H, W, 3) for an input of `shape` (N, C, H, W)."""
        picture = self._kept.pop(index, None)
        if picture is None:
            picture = rgb(self.prepare.restore(self.prepare(self.images[index], shape)))
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[index] = picture
        return picture


def close_up(pictures: Pictures, found: Answers, unit: int, rank: int) -> tuple[dict[str, Any], bytes]:
    """The patches of a unit, and the image of that rank: facts, and uint8 (h, w, 3) one after the other."""
    ranks = range(found.images.shape[1])
    rank = min(rank, len(ranks) - 1)
    parts: list[NDArray[np.uint8]] = []
    patches = []
    for k in ranks:
        index, box = int(found.images[unit, k]), found.box(unit, k)
        picture = pictures.get(index, found.input_shape)
        region = around(box, picture.shape)
        parts.append(picture[region[0] : region[2], region[1] : region[3]])
        about = {"value": float(found.values[unit, k]), "image": index, "size": list(parts[-1].shape[:2])}
        about |= {"name": pictures.images.name(index), "label": pictures.images.label(index)}
        patches.append(about | {"box": [box[i] - region[i % 2] for i in range(4)]})
    parts.append(pictures.get(int(found.images[unit, rank]), found.input_shape))
    where = {
        "rank": rank,
        "box": list(found.box(unit, rank)),
        "place": list(found.place(unit, rank)),
        "plane": list(found.plane),
        "size": list(found.input_shape[2:]),
    }
    size = f"{found.field.height.size:g} × {found.field.width.size:g}"
    content = {"patches": patches, "where": where, "field": size, "fired": float(found.fired[unit])}
    return content, b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def answer_map(twin: Twin, prepared: NDArray[np.floating[Any]], layer: str, unit: int) -> NDArray[np.uint8]:
    """(rows, columns) uint8: a unit's answers to a prepared image (C, H, W), 0 and below as 0."""
    values = np.maximum(twin.run(prepared[None], twin.layer_of(layer))[0, unit], 0)
    values = values.reshape(values.shape or (1, 1))
    loud = np.percentile(values, LOUD) or values.max() or 1
    return np.rint(np.clip(values / loud, 0, 1) * 255).astype(np.uint8)


def rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of an image (H, W, 3) or (H, W)."""
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, 2)


def around(box: Box, shape: tuple[int, ...]) -> Box:
    """(top, left, bottom, right) of what is shown of an image: a small box with what surrounds it."""
    sides = box[2] - box[0], box[3] - box[1]
    if max(sides[0] / shape[0], sides[1] / shape[1]) > SMALL:
        return box
    side = min(round(max(sides) * CONTEXT), *shape[:2])
    starts = []
    for axis in (0, 1):
        middle = (box[axis] + box[axis + 2]) / 2
        starts.append(int(min(max(round(middle - side / 2), 0), shape[axis] - side)))
    return starts[0], starts[1], starts[0] + side, starts[1] + side
