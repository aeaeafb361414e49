"""One level of a drawing: boxes and the nets between them, put into ranks from left to right.

The four steps are those of Sugiyama, Tagawa and Toda (1981), as Gansner, Koutsofios, North and Vo describe
them for dot (IEEE Trans. Software Engineering 19, 1993): ranks, order within a rank, coordinates, and here
orthogonal routes as in channel routing. A net is one blob with all its readers: it has one lane through the
ranks it passes, so that a blob that many read is drawn as one trunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SWEEPS = 8
TRUNK = 4.0  # times the weight of side exits


@dataclass
class Box:
    """Something to place. width, height : pixels.

    ins, outs : where nets come in and go out, net -> pixels from the top; where they are empty, places are
    given to them once the order is known. layer : position in the net, for ties.
    """

    key: str
    width: float
    height: float
    ins: dict[str, float] = field(default_factory=dict)
    outs: dict[str, float] = field(default_factory=dict)
    edge: int = 0  # -1 for a port on the left side of the frame, 1 for one on the right
    x: float = 0.0
    y: float = 0.0
    rank: int = 0


@dataclass
class Lane:
    """A net's way past the boxes of ranks `first` to `last`."""

    net: str
    first: int
    last: int
    y: float = 0.0


@dataclass
class Net:
    """key : unique on the level. weight : the heavier, the straighter it is drawn."""

    key: str
    source: str
    targets: list[str]
    weight: float = 1.0
    lane: Lane | None = None


Item = Box | Lane


@dataclass
class Level:
    """boxes by key; nets; ranks : rank -> boxes and lanes from top to bottom."""

    boxes: dict[str, Box]
    nets: list[Net]
    ranks: list[list[Item]] = field(default_factory=list)

    def arrange(self) -> None:
        """Give every box a rank, every long net a lane, and both an order."""
        _rank(self)
        _prefer_trunk(self)
        _add_lanes(self)
        _order(self)
        _place_ports(self)

    def gap_links(self, rank: int) -> list[tuple[Net, Item, list[Item]]]:
        """(net, item it leaves in `rank`, items it reaches in the next rank), for nets that cross the gap."""
        found: list[tuple[Net, Item, list[Item]]] = []
        for net in self.nets:
            source = self.boxes[net.source]
            lane = net.lane
            if source.rank == rank:
                left: Item = source
            elif lane is not None and lane.first <= rank <= lane.last:
                left = lane
            else:
                continue
            reached: list[Item] = [self.boxes[t] for t in net.targets if self.boxes[t].rank == rank + 1]
            if lane is not None and lane.first <= rank + 1 <= lane.last:
                reached.append(lane)
            if reached:
                found.append((net, left, reached))
        return found


def out_y(item: Item, net: Net) -> float:
    """Where a net leaves an item."""
    return item.y + item.outs[net.key] if isinstance(item, Box) else item.y


def in_y(item: Item, net: Net) -> float:
    """Where a net comes into an item."""
    return item.y + item.ins[net.key] if isinstance(item, Box) else item.y


# -- ranks
def _rank(level: Level) -> None:
    """Longest path from the left; what nothing leads to stands just before what reads it."""
    before: dict[str, list[str]] = {key: [] for key in level.boxes}
    after: dict[str, list[str]] = {key: [] for key in level.boxes}
    for net in level.nets:
        for target in net.targets:
            before[target].append(net.source)
            after[net.source].append(target)
    has_ports = any(box.edge < 0 for box in level.boxes.values())
    for key in _in_order(level.boxes, before):
        box = level.boxes[key]
        start = 0 if box.edge < 0 or not has_ports else 1
        box.rank = max([start, *(level.boxes[source].rank + 1 for source in before[key])])
    for key, box in level.boxes.items():
        if not before[key] and after[key] and box.edge == 0:
            box.rank = max(box.rank, min(level.boxes[target].rank for target in after[key]) - 1)
    last = max((box.rank for box in level.boxes.values() if box.edge <= 0), default=0)
    for box in level.boxes.values():
        if box.edge > 0:
            box.rank = last + 1


def _prefer_trunk(level: Level) -> None:
    """Of several nets from one box the one that most follows is the trunk: side exits bend, not it."""
    rest: dict[str, int] = {}
    nets: dict[str, list[Net]] = {}
    for net in level.nets:
        nets.setdefault(net.source, []).append(net)

    def length(net: Net) -> int:
        return max(rest[target] for target in net.targets)

    for key in sorted(level.boxes, key=lambda key: -level.boxes[key].rank):
        own = nets.get(key, [])
        rest[key] = 1 + max(map(length, own), default=0)
        if len(own) > 1:
            max(own, key=lambda net: (length(net), net.weight)).weight *= TRUNK


def _in_order(boxes: dict[str, Box], before: dict[str, list[str]]) -> list[str]:
    from graphlib import TopologicalSorter

    return list(TopologicalSorter({key: before[key] for key in boxes}).static_order())


def _add_lanes(level: Level) -> None:
    count = max((box.rank for box in level.boxes.values()), default=-1) + 1
    level.ranks = [[] for _ in range(count)]
    for box in level.boxes.values():
        level.ranks[box.rank].append(box)
    for net in level.nets:
        first = level.boxes[net.source].rank + 1
        last = max(level.boxes[target].rank for target in net.targets) - 1
        if last >= first:
            net.lane = Lane(net.key, first, last)
            for rank in range(first, last + 1):
                level.ranks[rank].append(net.lane)


# -- order
def _order(level: Level) -> None:
    """Sweeps over the ranks put items where the middle of their neighbours is. The best order stays."""
    best = [list(rank) for rank in level.ranks]
    fewest = _crossings(level)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        _sweep(level, forward=sweep % 2 == 0)
        crossings = _crossings(level)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in level.ranks], crossings
    level.ranks = best


def _pairs(level: Level, rank: int) -> list[tuple[int, int]]:
    """Positions in `rank` and in the next one that are joined."""
    left = {id(item): i for i, item in enumerate(level.ranks[rank])}
    right = {id(item): i for i, item in enumerate(level.ranks[rank + 1])}
    links = level.gap_links(rank)
    return [(left[id(source)], right[id(target)]) for _, source, targets in links for target in targets]


def _crossings(level: Level) -> int:
    total = 0
    for rank in range(len(level.ranks) - 1):
        pairs = sorted(_pairs(level, rank))
        for i, (a, b) in enumerate(pairs):
            total += sum(a < c and b > d for c, d in pairs[i + 1 :])
    return total


def _sweep(level: Level, forward: bool) -> None:
    gaps = range(len(level.ranks) - 1)
    for rank in gaps if forward else reversed(gaps):
        moved = rank + 1 if forward else rank
        neighbours: dict[int, list[int]] = {}
        for left, right in _pairs(level, rank):
            own, other = (right, left) if forward else (left, right)
            neighbours.setdefault(own, []).append(other)
        items = level.ranks[moved]
        wanted = {
            i: sum(neighbours[i]) / len(neighbours[i]) if i in neighbours else float(i)
            for i in range(len(items))
        }
        level.ranks[moved] = [items[i] for i in sorted(range(len(items)), key=lambda i: (wanted[i], i))]


# -- where nets come in and go out
def _place_ports(level: Level) -> None:
    """Ports of boxes that have none yet, in the order in which their nets come from above to below."""
    coming: dict[str, list[tuple[int, Net]]] = {}
    going: dict[str, list[tuple[float, Net]]] = {}
    for rank in range(len(level.ranks) - 1):
        left = {id(item): i for i, item in enumerate(level.ranks[rank])}
        right = {id(item): i for i, item in enumerate(level.ranks[rank + 1])}
        for net, source, targets in level.gap_links(rank):
            for target in targets:
                if isinstance(target, Box):
                    coming.setdefault(target.key, []).append((left[id(source)], net))
            if isinstance(source, Box):
                middle = sum(right[id(target)] for target in targets) / len(targets)
                going.setdefault(source.key, []).append((middle, net))
    for key, box in level.boxes.items():
        if not box.ins:
            box.ins = _spread([net for _, net in sorted(coming.get(key, []), key=_place)], box.height)
        if not box.outs:
            box.outs = _spread([net for _, net in sorted(going.get(key, []), key=_place)], box.height)


def _place(entry: tuple[float, Net]) -> float:
    return entry[0]


def _spread(nets: Sequence[Net], height: float) -> dict[str, float]:
    """Places on a side, the main net in its middle: the trunk of a net of sums or Concats is straight."""
    if not nets:
        return {}
    main = _main(nets)
    most = max(main, len(nets) - 1 - main, 1)
    step = min(16.0, (height / 2 - 9) / most)
    return {net.key: height / 2 + (i - main) * step for i, net in enumerate(nets)}


def _main(nets: Sequence[Net]) -> int:
    """Number of the trunk; of two alike the one that passes boxes by, of more the one in the middle."""
    weights = [net.weight for net in nets]
    heaviest = max(weights)
    alike = [i for i, weight in enumerate(weights) if weight * 1.5 > heaviest]
    if len(alike) == 2:
        return max(alike, key=lambda i: (nets[i].lane is not None, nets[i].weight))
    return alike[(len(alike) - 1) // 2]
