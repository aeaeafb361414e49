"""Where pictures to look at come from: lists, folders, LMDB sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.inspection.image_input import ImageInput
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.records import Records

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


class ImageSource:
    """Images one after the other, and how many there are.

    source : a folder of image files (in the order of their names), an LMDB set of Datum, or a sequence of
        what ImageInput takes (paths, uint8 arrays, PIL images, prepared arrays). limit : take so many at
        most.
    Raises DataError for a folder without images.
    """

    def __init__(self, source: Any, limit: int | None = None) -> None:
        self._items: Sequence[Any] | Records
        if isinstance(source, (str, os.PathLike)):
            self._items = _folder(Path(source).expanduser())
        else:
            self._items = source
        count = len(self._items)
        self.count = count if limit is None else min(limit, count)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._items, Records):
            values = (_pixels(value, key) for key, value in self._items)
            yield from (image for _, image in zip(range(self.count), values, strict=False))
        else:
            yield from (self._items[index] for index in range(self.count))

    def pick(self, indices: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """(index, image) for some of them, in their order, each once."""
        for index in sorted(set(indices)):
            yield index, self[index]

    def __getitem__(self, index: int) -> Any:
        if not isinstance(self._items, Records):
            return self._items[index]
        key = self._keys[index]
        return _pixels(self._items.value(key), key)

    def name(self, index: int) -> str:
        """What an image is called: a record's key, a file's name, else its number."""
        if isinstance(self._items, Records):
            return self._keys[index].decode("utf-8", "backslashreplace")
        item = self._items[index]
        return Path(item).name if isinstance(item, (str, os.PathLike)) else str(index)

    def labels(self) -> list[int] | None:
        """The label of each image of an LMDB set; None for other sources."""
        if not isinstance(self._items, Records):
            return None
        return [self.label(index) for index in range(self.count)]  # type: ignore[misc]

    def label(self, index: int) -> int | None:
        """The label of a record; None where the source has none."""
        if not isinstance(self._items, Records):
            return None
        key = self._keys[index]
        return int(parse_datum(self._items.value(key), key).label)

    @cached_property
    def _keys(self) -> list[bytes]:
        """Of an LMDB set: so that single records are found without reading all before them."""
        return self._items.keys() if isinstance(self._items, Records) else []

    def batches(self, prepare: ImageInput, shape: Sequence[int]) -> Iterator[np.ndarray]:
        """Prepared images (n, C, H, W) for an input of `shape` (N, C, H, W), n = N but for the last batch."""
        batch: list[np.ndarray] = []
        for image in self:
            batch.append(prepare(image, shape))
            if len(batch) == shape[0]:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)


def _folder(path: Path) -> Sequence[Any] | Records:
    if (path / "data.mdb").exists():
        return Records(path)
    if not path.is_dir():
        raise DataError(
            f"{path} is no folder of images and no LMDB set; a single image goes into a list: [{path.name!r}]"
        )
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise DataError(f"{path} has no image files ({', '.join(sorted(SUFFIXES))})")
    return files


def _pixels(value: bytes, key: bytes) -> np.ndarray:
    """A Datum as uint8 (H, W, 3) RGB or (H, W), or as floats (C, H, W)."""
    image = datum_to_array(parse_datum(value, key), key)
    if image.dtype != np.uint8 or len(image) not in (1, 3):
        return image.astype(np.float32)
    return image[0] if len(image) == 1 else np.ascontiguousarray(image[::-1].transpose(1, 2, 0))
