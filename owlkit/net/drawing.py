"""Small drawings of nets as SVG: a box for each layer, one column per depth."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

#: Which way a net flows: left to right, right to left, from the top or from the bottom.
DIRECTIONS = ("LR", "RL", "TB", "BT")

_WIDTH, _HEIGHT, _LINE, _MARGIN = 128, 38, 14, 8
_BETWEEN_COLUMNS, _BETWEEN_ROWS = 22, 14
# fill by what a layer does: data, learned, loss and measure, everything else (Okabe-Ito tints)
_COLOURS = {"data": "#e4f3ee", "learned": "#e8f3fa", "loss": "#fcebe2", "other": "#f5f6f7"}


@dataclass
class Box:
    """A layer as it is drawn.

    caption : its type and those of the in-place layers in it. detail : a third line, empty for none.
    title : shown when the mouse rests on it. kind : "data", "learned", "loss" or "other".
    inputs : numbers of the boxes, all before this one, from which lines lead here.
    """

    name: str
    caption: str
    title: str
    kind: str
    inputs: list[int]
    detail: str = ""


def svg(boxes: Sequence[Box], label: str, rankdir: str = "LR") -> str:
    """Boxes, joined by lines, as SVG that is complete as a file.

    label : what the drawing shows, for readers who cannot see it. rankdir : one of DIRECTIONS.
    """
    columns: list[int] = []
    rows: list[int] = []
    for box in boxes:
        columns.append(max((columns[i] + 1 for i in box.inputs), default=0))
        rows.append(columns[:-1].count(columns[-1]))
    height = _HEIGHT + (_LINE if any(box.detail for box in boxes) else 0)
    frame = _Frame(rankdir, height, [columns.count(i) for i in range(max(columns, default=0) + 1)])
    places = list(zip(columns, rows, strict=True))
    lines = [
        frame.line(places[i], place) for box, place in zip(boxes, places, strict=True) for i in box.inputs
    ]
    drawn = [_draw_box(box, *frame.corner(place), height) for box, place in zip(boxes, places, strict=True)]
    width, full_height = frame.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{html.escape(label)}" '
        f'width="{width}" height="{full_height}" viewBox="0 0 {width} {full_height}" '
        f'font-family="sans-serif" font-size="11">{"".join(lines)}{"".join(drawn)}</svg>'
    )


class _Frame:
    """Where columns and rows lie. `along` runs with the net, `across` from row to row, both in pixels.

    rows : how many boxes each column has.
    """

    def __init__(self, rankdir: str, height: int, rows: list[int]) -> None:
        self._rows = rows
        self._vertical, self._turned = rankdir in ("TB", "BT"), rankdir in ("RL", "BT")
        self._box = (height, _WIDTH) if self._vertical else (_WIDTH, height)
        self._column, self._row = self._box[0] + _BETWEEN_COLUMNS, self._box[1] + _BETWEEN_ROWS
        self._along = len(rows) * self._column + _MARGIN
        self._across = max(rows) * self._row + _MARGIN + _HEIGHT // 2

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the drawing."""
        return (self._across, self._along) if self._vertical else (self._along, self._across)

    def _point(self, along: int, across: int) -> tuple[int, int]:
        along = self._along - along if self._turned else along
        return (across, along) if self._vertical else (along, across)

    def corner(self, place: tuple[int, int]) -> tuple[int, int]:
        """The upper left corner of the box in (column, row)."""
        along = place[0] * self._column + _MARGIN + (self._box[0] if self._turned else 0)
        return self._point(along, place[1] * self._row + _MARGIN)

    def line(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """A line from the end of one box to the beginning of another, past the boxes between."""
        a1 = start[0] * self._column + _MARGIN + self._box[0]
        a2 = end[0] * self._column + _MARGIN
        c1, c2 = (place[1] * self._row + _MARGIN + self._box[1] // 2 for place in (start, end))
        occupied = max(self._rows[start[0] + 1 : end[0]], default=0)
        if not occupied:
            middle = (a2 - a1) // 2
            return self._path([(a1, c1)], [(a1 + middle, c1), (a2 - middle, c2), (a2, c2)])
        if max(start[1], end[1]) >= occupied:
            lane = c2 if end[1] >= occupied else c1
        else:
            lane = occupied * self._row + _MARGIN - _BETWEEN_ROWS // 2
        gap = _BETWEEN_COLUMNS
        down = [(a1 + gap, c1), (a1, lane), (a1 + gap, lane)]
        return self._path([(a1, c1)], down, [(a2 - gap, lane)], [(a2, lane), (a2 - gap, c2), (a2, c2)])

    def _path(self, *parts: list[tuple[int, int]]) -> str:
        """Through points: lists of one are straight, of three a curve's."""
        commands: list[str] = []
        for part in parts:
            letter = "M" if not commands else "C" if len(part) == 3 else "L"
            commands.append(letter + " ".join("{} {}".format(*self._point(*point)) for point in part))
        return f'<path d="{" ".join(commands)}" fill="none" stroke="#85898e"/>'


def _draw_box(box: Box, x: int, y: int, height: int) -> str:
    middle = x + _WIDTH / 2
    texts = [(y + 16, "#1f2328", ' font-weight="600"', box.name[:20])]
    texts += [
        (y + 16 + _LINE * (i + 1), "#5f6368", "", line if len(line) < 24 else line[:22] + "…")
        for i, line in enumerate([box.caption, box.detail])
        if line
    ]
    rows = "".join(
        f'<text x="{middle}" y="{at}" text-anchor="middle"{weight} fill="{fill}">{html.escape(text)}</text>'
        for at, fill, weight, text in texts
    )
    return (
        f"<g><title>{html.escape(box.title)}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{height}" rx="5" fill="{_COLOURS[box.kind]}" '
        f'stroke="#878b90"/>{rows}</g>'
    )
