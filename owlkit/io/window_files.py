"""R-CNN's window files: which regions of which images have which class and overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from owlkit.core.errors import DataError
from owlkit.io.files import read_bytes

_BEYOND = 2**31  # classes and pixels are int in Caffe
_HEAD = ("the number of channels", "the height", "the width", "the number of windows")
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass
class Windows:
    """The windows of a file.

    paths : of the images. channels : of the images, all equal.
    image, label : (W,) int64, number of the image and class. overlap : (W,) float32 with an object of that
    class. boxes : (W, 4) int64, x1, y1, x2, y2.
    """

    paths: list[str]
    channels: int
    image: np.ndarray
    label: np.ndarray
    overlap: np.ndarray
    boxes: np.ndarray


def read_windows(source: str | Path) -> Windows:
    """Read a window file: for each image

        # number
        path
        channels
        height
        width
        number of windows
        class overlap x1 y1 x2 y2        for each window

    Raises DataError naming the line where it is not so, with what was expected there.
    """
    try:
        lines = read_bytes(source, "window file").decode().split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"the window file {source} is not a text file: {error}") from error
    paths: list[str] = []
    tables: list[np.ndarray] = []
    channels: set[int] = set()
    for path, depth, rows in _images(source, [line.strip() for line in lines]):
        tables.append(np.column_stack([np.full(len(rows), len(paths)), rows]))
        paths.append(path)
        channels.add(depth)
    if not paths:
        raise DataError(f"the window file {source} has no images")
    if len(channels) > 1:
        raise DataError(f"{source}: images have {sorted(channels)} channels; they must agree")
    table = np.concatenate(tables)
    whole = table[:, [0, 1, 3, 4, 5, 6]].astype(np.int64)
    overlap = table[:, 2].astype(np.float32)
    return Windows(paths, channels.pop(), whole[:, 0], whole[:, 1], overlap, whole[:, 2:])


def refuse_inverted(windows: Windows, drawn: np.ndarray, source: str | Path) -> None:
    """Raise DataError where one of the windows of the numbers `drawn`, (n,), ends before it begins."""
    x1, y1, x2, y2 = windows.boxes[drawn].T
    inverted = drawn[(x2 < x1) | (y2 < y1)]
    if len(inverted):
        first = inverted.min()
        raise DataError(
            f"{source}: window {windows.boxes[first].tolist()} of {windows.paths[windows.image[first]]} ends "
            f"before it begins ({len(inverted):,} in all): a window is x1 y1 x2 y2, x1 <= x2 and y1 <= y2"
        )


def _images(source: str | Path, lines: list[str]) -> Iterator[tuple[str, int, np.ndarray]]:
    """(path, channels, windows (n, 6) float64) of each image."""
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        path, channels, count = _head(source, lines, at)
        block = lines[at + 6 : at + 6 + count]
        rows = _table(block)
        if rows is None or len(rows) != count:
            raise _wrong_window(source, lines, at, count)
        yield path, channels, rows
        at += 6 + count


def _head(source: str | Path, lines: list[str], at: int) -> tuple[str, int, int]:
    """Path, channels and number of windows of the image that begins in line `at`, counted from 0."""
    if not lines[at].startswith("#"):
        expected = "`# number of the image`, or the image before has more windows than it says"
        raise _unexpected(source, lines, at, expected)
    if not "".join(lines[at + 1 : at + 2]):
        raise _unexpected(source, lines, at + 1, "the path of an image")
    found = []
    for place, what in enumerate(_HEAD, at + 2):
        text = lines[place] if place < len(lines) else ""
        if not _WHOLE.fullmatch(text):
            raise _unexpected(source, lines, place, f"{what}, a whole number")
        found.append(int(text))
    return lines[at + 1], found[0], found[-1]


def _table(block: list[str]) -> np.ndarray | None:
    """Lines `class overlap x1 y1 x2 y2` as (n, 6) float64; None where one is not so."""
    if not block:
        return np.empty((0, 6))
    if not all(block):
        return None
    try:
        rows = np.loadtxt(block, np.float64, comments=None, ndmin=2)  # twice as fast as np.array
    except ValueError:
        return None
    fits = rows.shape[1] == 6 and bool((np.abs(rows) < _BEYOND).all())  # false also where one is no number
    return rows if fits else None


def _wrong_window(source: str | Path, lines: list[str], at: int, count: int) -> DataError:
    """Names the first line of an image's windows that is none."""
    place = next((i for i in range(at + 6, len(lines)) if _table([lines[i]]) is None), len(lines))
    expected = (
        f"`class overlap x1 y1 x2 y2`, numbers below {_BEYOND}: window {place - at - 5} of the {count} "
    )
    return _unexpected(source, lines, place, expected + f"that line {at + 6} announces")


def _unexpected(source: str | Path, lines: list[str], place: int, expected: str) -> DataError:
    found = f"found {lines[place][:200]!r}" if place < len(lines) and lines[place] else "found nothing"
    return DataError(f"window file {source}, line {place + 1}: expected {expected}; {found}")
