"""Lines of a level: along lanes, and up or down in the gaps between ranks, each net in a track of its own."""

from __future__ import annotations

from dataclasses import dataclass

from owlkit.inspection.graphs.level import Box, Item, Level, Net, in_y, out_y

BEFORE_TRACKS, BETWEEN_TRACKS, AFTER_TRACKS = 10.0, 8.0, 14.0  # pixels; the arrow stands in the last
STRAIGHT = 0.5  # pixels of difference that are not drawn as a bend

Point = tuple[float, float]


@dataclass
class Route:
    """The way of a net to one of its targets: corners of a line of level and upright pieces."""

    net: Net
    target: str
    points: list[Point]


def draw_routes(level: Level) -> tuple[list[Route], float]:
    """Give every box its x; the routes, and the width of all."""
    tracks = [_tracks(level, rank) for rank in range(len(level.ranks) - 1)]
    lefts: list[float] = []
    x = 0.0
    for rank, items in enumerate(level.ranks):
        lefts.append(x)
        wide = max((item.width for item in items if isinstance(item, Box)), default=0.0)
        for item in items:
            if isinstance(item, Box):
                item.x = x + (wide - item.width) / 2
        x += wide
        if rank < len(tracks):
            count = len(set(tracks[rank].values()))
            x += BEFORE_TRACKS + max(count - 1, 0) * BETWEEN_TRACKS + AFTER_TRACKS
    lefts.append(x)
    return [_route(level, net, target, lefts, tracks) for net in level.nets for target in net.targets], x


def _tracks(level: Level, rank: int) -> dict[str, int]:
    """Net -> track in the gap after `rank`; nets that go straight need none.

    Of two that go down, the lower one turns first, of two that go up the upper one: so they do not cross.
    """
    spans: list[tuple[tuple[int, float], Net, float, float]] = []
    for net, source, targets in level.gap_links(rank):
        start = out_y(source, net)
        ends = [in_y(target, net) for target in targets]
        low, high = min([start, *ends]), max([start, *ends])
        if high - low > STRAIGHT:
            down = sum(ends) / len(ends) > start
            spans.append(((0, -start) if down else (1, start), net, low, high))
    taken: list[list[tuple[float, float]]] = []
    found: dict[str, int] = {}
    for _, net, low, high in sorted(spans, key=lambda span: span[0]):
        # The first track after which all are free here: to the left of that something would be crossed.
        track = len(taken)
        while track > 0 and all(high + 6 < a or low - 6 > b for a, b in taken[track - 1]):
            track -= 1
        if track == len(taken):
            taken.append([])
        taken[track].append((low, high))
        found[net.key] = track
    return found


def _route(level: Level, net: Net, target: str, lefts: list[float], tracks: list[dict[str, int]]) -> Route:
    source, end = level.boxes[net.source], level.boxes[target]
    points: list[Point] = [(source.x + source.width, out_y(source, net))]
    item: Item = source
    for rank in range(source.rank, end.rank):
        following: Item = end if rank + 1 == end.rank else net.lane or end
        y, goal = out_y(item, net), in_y(following, net)
        if abs(goal - y) > STRAIGHT:
            turn = _track_x(level, rank, lefts, tracks[rank], net)
            points += [(turn, y), (turn, goal)]
        item = following
    points.append((end.x, in_y(end, net)))
    return Route(net, target, _without_doubles(points))


def _track_x(level: Level, rank: int, lefts: list[float], tracks: dict[str, int], net: Net) -> float:
    wide = max((item.width for item in level.ranks[rank] if isinstance(item, Box)), default=0.0)
    return lefts[rank] + wide + BEFORE_TRACKS + tracks[net.key] * BETWEEN_TRACKS


def _without_doubles(points: list[Point]) -> list[Point]:
    """Level pieces that follow each other are one."""
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and kept[-2][1] == kept[-1][1] == point[1]:
            kept[-1] = point
        elif not kept or kept[-1] != point:
            kept.append(point)
    return kept
