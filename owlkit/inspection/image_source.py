"""Where pictures to look at come from: lists, folders, LMDB sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError
from owlkit.inspection.image_folder import files_in
from owlkit.inspection.image_input import ImageInput, RecordPixels
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.photographs import open_image
from owlkit.io.records import Records

MOST_NAMED = 5  # of unreadable images


class ImageSource:
    """Images one after the other, and how many there are.

    source : a folder of image files (in the order of their names; where it has none itself, those of its
        subfolders, whose names are labels then), an LMDB set of Datum, or a sequence of what ImageInput takes
        (paths, uint8 arrays, PIL images, prepared arrays). limit : take so many at most, the first ones, but
        of subfolders evenly from all.
    unreadable : number of an image -> why it could not be read, of those that were tried: they are left out.
    Raises DataError for a folder without images.
    """

    def __init__(self, source: Any, limit: int | None = None) -> None:
        self._items: Sequence[Any] | Records = source
        self._folder: Path | None = None  # whose subfolders are labels
        self.unreadable: dict[int, str] = {}
        self._listed = not isinstance(source, (str, os.PathLike))
        if not self._listed:
            self._open(Path(source).expanduser(), limit)
        if limit is not None and limit < 0:
            raise DataError(f"limit is {limit}: give how many images to take at most, or None for all")
        self.available = len(self._items)  # the first `count` of these are taken
        self.count = len(self._items) if limit is None else min(limit, len(self._items))

    def _open(self, path: Path, limit: int | None) -> None:
        if (path / "data.mdb").exists():
            self._items = Records(path)
            return
        files, nested = files_in(path)
        if nested:
            self._folder = path
            most = len(files) if limit is None else min(limit, len(files))
            files = [files[k * len(files) // most] for k in range(most)]
        self._items = files

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        """Those that can be read."""
        return (image for _, image in self._read())

    def _read(self) -> Iterator[tuple[int, Any]]:
        """(index, image) of those that can be read; the others are noted."""
        for index, load in self._loaders():
            if index in self.unreadable:
                continue
            try:
                image = load()
            except DataError as error:
                self.unreadable[index] = str(error)
            else:
                yield index, image

    def _loaders(self) -> Iterator[tuple[int, Callable[[], Any]]]:
        if isinstance(self._items, Records):
            for index, (key, value) in zip(range(self.count), self._items, strict=False):
                yield index, partial(_pixels, value, key)
        else:
            for index in range(self.count):
                yield index, partial(_opened, self._items[index])

    @property
    def readable(self) -> int:
        """How many there are without those that could not be read."""
        return self.count - len(self.unreadable)

    @property
    def remark(self) -> str:
        """ "2 of 25 images could not be read: a.jpg, b.jpg"; "" where all could, as far as is known."""
        if not self.unreadable:
            return ""
        names = [self.name(index) for index in sorted(self.unreadable)]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        listed = ", ".join(names[:MOST_NAMED])
        return f"{len(names):,} of {self.count:,} images could not be read: {listed}{more}"

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
        """What an image is called: a record's key, a file's name (with its subfolder), else its number."""
        if isinstance(self._items, Records):
            return self._keys[index].decode("utf-8", "backslashreplace")
        item = self._items[index]
        if self._folder is not None:
            return Path(item).relative_to(self._folder).as_posix()
        return Path(item).name if isinstance(item, (str, os.PathLike)) else str(index)

    def given(self, index: int) -> Any:
        """The item of a list; None of folders and sets, whose images go by `name`."""
        return self._items[index] if self._listed and not isinstance(self._items, Records) else None

    def labels(self, indices: Iterable[int] | None = None) -> list[Any] | None:
        """Labels of some images, by default of all, as `label` gives them; None where the source has none."""
        if not isinstance(self._items, Records) and self._folder is None:
            return None
        return [self.label(index) for index in (range(self.count) if indices is None else indices)]

    def label(self, index: int) -> int | str | None:
        """The label of a record, the name of a file's subfolder; None where the source has none."""
        if self._folder is not None:
            return Path(self.name(index)).parts[0]
        if not isinstance(self._items, Records):
            return None
        key = self._keys[index]
        return int(parse_datum(self._items.value(key), key).label)

    @cached_property
    def _keys(self) -> list[bytes]:
        """Of an LMDB set: so that single records are found without reading all before them."""
        return self._items.keys() if isinstance(self._items, Records) else []

    def batches(self, prepare: ImageInput, shape: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers (n,) and prepared images (n, C, H, W) for an input of `shape` (N, C, H, W).

        n = N but for the last batch. Raises DataError after the last where none could be read.
        """
        numbers: list[int] = []
        batch: list[np.ndarray] = []
        for index, image in self._read():
            numbers.append(index)
            batch.append(prepare(image, shape))
            if len(batch) == shape[0]:
                yield np.array(numbers), np.stack(batch)
                numbers, batch = [], []
        if batch:
            yield np.array(numbers), np.stack(batch)
        if self.count and not self.readable:
            why = next(iter(self.unreadable.values()))
            raise DataError(why if self.count == 1 else f"none of {self.count:,} images can be read: {why}")


def _opened(item: Any) -> Any:
    return open_image(item) if isinstance(item, (str, os.PathLike)) else item


def _pixels(value: bytes, key: bytes) -> np.ndarray:
    """A Datum as uint8 (H, W, 3) RGB or (H, W); one that is no photograph as floats (C, H, W)."""
    image = datum_to_array(parse_datum(value, key), key)
    if image.dtype != np.uint8 or len(image) not in (1, 3):
        return image.astype(np.float32).view(RecordPixels)
    return image[0] if len(image) == 1 else np.ascontiguousarray(image[::-1].transpose(1, 2, 0))
