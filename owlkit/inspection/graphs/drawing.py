"""Where everything of a net lies: cards, the frames of open groups, and the lines between, in pixels.

An open group is laid out on its own, and is then one large box on the level above; where a blob enters or
leaves it, its frame has a port. So groups of any depth lie apart, and lines keep to the frames.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from math import log10
from typing import Any

from owlkit.inspection.graphs.cards import Sheet, Wire
from owlkit.inspection.graphs.coordinates import set_heights
from owlkit.inspection.graphs.level import Box, Level, Net
from owlkit.inspection.graphs.routes import Point, draw_routes
from owlkit.inspection.graphs.stages import Tree

CARD = (96.0, 124.0)  # pixels: width, height
COMPACT = (116.0, 62.0)  # where cards stand above each other, and within frames
FRAME_HEAD, FRAME_FOOT, FRAME_SIDE = 28.0, 12.0, 10.0
LEAST_FRAME = 120.0


@dataclass
class Place:
    """A card, a closed group ("group") or the frame of an open one ("frame"); x, y : upper left corner."""

    key: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    compact: bool = False
    depth: int = 0


@dataclass
class Line:
    """A blob's line on one level. source, targets : the cards at its two ends, wherever they lie.

    points : corners. arrow : whether it ends at a card. width : pixels, by the number of values per image.
    note : what is written on it, for blobs beside the main one of a long way.
    """

    blob: str
    source: str
    targets: list[str]
    points: list[Point]
    width: float
    arrow: bool = True
    note: str = ""


@dataclass
class Drawing:
    """A net laid out: `width` x `height` pixels."""

    places: list[Place] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, numbers rounded to a tenth of a pixel."""
        return _rounded(asdict(self))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return round(value, 1) if isinstance(value, float) else value


def lay_out(sheet: Sheet, tree: Tree, opened: Collection[str] = ()) -> Drawing:
    """opened : keys of the groups that are drawn open."""
    drawing = Drawing()
    whole = _Region(sheet, tree, set(opened), None)
    whole.place(drawing, 0.0, 0.0, 0)
    drawing.width, drawing.height = whole.width, whole.height
    return drawing


def line_width(count: int) -> float:
    """1 pixel for a single value, 5 for a hundred thousand."""
    return round(1 + 0.75 * log10(max(count, 1)), 1)


class _Region:
    """The inside of an open group, or the whole net (key None)."""

    def __init__(self, sheet: Sheet, tree: Tree, opened: set[str], key: str | None) -> None:
        self.sheet, self.tree, self.key = sheet, tree, key
        self.children = tree.top if key is None else tree.groups[key].children
        self.inside = {card: child for child in self.children for card in tree.cards(child)}
        self.open = {
            child: _Region(sheet, tree, opened, child)
            for child in self.children
            if child in tree.groups and child in opened
        }
        self.wires = list(self._touching())
        self.compact = key is not None
        self._build()
        if not self.compact and any(len(rank) - _lanes(rank) > 1 for rank in self.level.ranks):
            self.compact = True
            self._build()
        set_heights(self.level)
        self.routes, inner = draw_routes(self.level)
        self.bottom = max(
            (item.y + getattr(item, "height", 0.0) for r in self.level.ranks for item in r), default=0.0
        )
        head, foot = (FRAME_HEAD, FRAME_FOOT) if key is not None else (0.0, 0.0)
        side = FRAME_SIDE if key is not None else 0.0
        self.left, self.head = (0.0 if self._has_port(-1) else side), head
        right = 0.0 if self._has_port(1) else side
        self.width = max(inner + self.left + right, LEAST_FRAME if key is not None else 0.0)
        self.height = head + self.bottom + foot

    def _has_port(self, edge: int) -> bool:
        return any(box.edge == edge for box in self.level.boxes.values())

    def _touching(self) -> Iterator[Wire]:
        """Wires with an end in here, those within one child left out."""
        for wire in self.sheet.wires:
            source, target = self.inside.get(wire.source), self.inside.get(wire.target)
            if (source is not None or target is not None) and source != target:
                yield wire

    def _build(self) -> None:
        boxes: dict[str, Box] = {}
        nets: dict[str, Net] = {}
        self.meaning: dict[str, list[Wire]] = {}
        for child in self.children:
            boxes[child] = self._box(child)
        for wire in self.wires:
            source = self.inside.get(wire.source) or f"in {wire.source} {wire.blob}"
            target = self.inside.get(wire.target) or f"out {wire.source} {wire.blob}"
            for key, edge in ((source, -1), (target, 1)):
                if key not in boxes:
                    boxes[key] = Box(key, 0.0, 0.0, edge=edge)
            name = net_key(wire)
            net = nets.setdefault(name, Net(name, source, [], line_width(wire.count)))
            self.meaning.setdefault(name, []).append(wire)
            if target not in net.targets:
                net.targets.append(target)
        self.level = Level(boxes, list(nets.values()))
        self.level.arrange()

    def _box(self, child: str) -> Box:
        region = self.open.get(child)
        if region is None:
            return Box(child, *(COMPACT if self.compact else CARD))
        return Box(child, region.width, region.height, region.ports(-1), region.ports(1))

    def ports(self, edge: int) -> dict[str, float]:
        """Nets that enter (-1) or leave (1) the frame -> pixels from its top."""
        found = {}
        for net in self.level.nets:
            for key in [net.source] if edge < 0 else net.targets:
                box = self.level.boxes[key]
                if box.edge == edge:
                    found[net.key] = self.head + box.y
        return found

    def place(self, drawing: Drawing, x: float, y: float, depth: int) -> None:
        """Add everything in here, with the region's corner at (x, y)."""
        if self.key is not None:
            drawing.places.append(Place(self.key, "frame", x, y, self.width, self.height, depth=depth))
        x, y = x + self.left, y + self.head
        for child in self.children:
            box = self.level.boxes[child]
            if child in self.open:
                self.open[child].place(drawing, x + box.x, y + box.y, depth + 1)
                continue
            kind = "group" if child in self.tree.groups else "card"
            place = Place(child, kind, x + box.x, y + box.y, box.width, box.height, self.compact, depth)
            drawing.places.append(place)
        for route in self.routes:
            wires = [w for w in self.meaning[route.net.key] if self._reaches(w, route.target)]
            end = self.level.boxes[route.target]
            points = [(x + a, y + b) for a, b in route.points]
            if end.edge > 0:  # the frame may be wider than what is in it
                points[-1] = (x - self.left + self.width, points[-1][1])
            count = max(w.count for w in wires)
            drawing.lines.append(
                Line(
                    wires[0].blob,
                    wires[0].source,
                    list(dict.fromkeys(w.target for w in wires)),
                    points,
                    line_width(count),
                    end.edge == 0 and route.target not in self.open,
                    f"{wires[0].blob}, {count}" if self._is_aside(route.net) else "",
                )
            )

    def _is_aside(self, net: Net) -> bool:
        """Whether a net needs its name: it is not the first blob that its card makes, and takes a lane."""
        wire = self.meaning[net.key][0]
        first = self.sheet.cards[wire.source].last.tops[:1]
        return net.lane is not None and wire.blob not in first

    def _reaches(self, wire: Wire, target: str) -> bool:
        return (self.inside.get(wire.target) or f"out {wire.source} {wire.blob}") == target


def net_key(wire: Wire) -> str:
    """One blob of one card, on whatever level."""
    return f"{wire.source} {wire.blob}"


def _lanes(rank: list[Any]) -> int:
    return sum(not isinstance(item, Box) for item in rank)
