"""Heights of boxes and lanes: as many straight lines as the order allows.

Wanted is min sum of weight * |difference of heights| over all links, with the items of a rank in order and
apart. As Gansner et al. (1993, section 4) show, that is a linear programme; dot solves it by network simplex,
here it is given to SciPy's HiGHS.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from owlkit.inspection.graphs.level import Box, Item, Level, Net, in_y, out_y

BETWEEN_BOXES, BESIDE_LANE, BETWEEN_LANES = 14.0, 13.0, 10.0  # pixels
# A bend in a lane, or between two boxes of which one follows from the other alone, is worse than at a fork.
_LANE_WEIGHT, _CHAIN_WEIGHT, _EXIT_WEIGHT = 2.0, 1.5, 0.2
_TIGHT = 0.02  # of what a level's height counts beside a pixel of a bend


def set_heights(level: Level) -> None:
    """Give every box and lane its y; the topmost is at 0."""
    links = _links(level)
    if all(len(rank) == 1 for rank in level.ranks):
        _set_chain(level, links)
    else:
        _solve(level, links)
    top = min((item.y for rank in level.ranks for item in rank), default=0.0)
    for item in {id(item): item for rank in level.ranks for item in rank}.values():
        item.y -= top


Link = tuple[Net, Item, Item]


def _links(level: Level) -> list[Link]:
    return [
        (net, source, target)
        for rank in range(len(level.ranks) - 1)
        for net, source, targets in level.gap_links(rank)
        for target in targets
        if source is not target
    ]


def _set_chain(level: Level, links: list[Link]) -> None:
    """One box after the other: all lines are straight, from left to right."""
    reached = {id(target): (net, source) for net, source, target in links}
    for rank in level.ranks:
        item = rank[0]
        if id(item) in reached:
            net, source = reached[id(item)]
            item.y = 0.0
            item.y = out_y(source, net) - in_y(item, net)


def _solve(level: Level, links: list[Link]) -> None:
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    items = list({id(item): item for rank in level.ranks for item in rank}.values())
    number = {id(item): i for i, item in enumerate(items)}
    for item in items:
        item.y = 0.0
    bends, top, bottom = len(items), len(items) + len(links), len(items) + len(links) + 1
    rows: list[tuple[list[tuple[int, float]], float]] = []
    cost = np.zeros(bottom + 1)
    cost[top], cost[bottom] = -_TIGHT, _TIGHT
    for i, (net, source, target) in enumerate(links):
        a, b = number[id(source)], number[id(target)]
        offset = out_y(source, net) - in_y(target, net)
        # bend >= |y_a - y_b + offset|
        rows.append(([(a, 1), (b, -1), (bends + i, -1)], -offset))
        rows.append(([(a, -1), (b, 1), (bends + i, -1)], offset))
        cost[bends + i] = net.weight * _weight(level, net, source, target)
    for rank in level.ranks:
        for above, below in pairwise(rank):
            room = _height(above) + _between(above, below)
            rows.append(([(number[id(above)], 1), (number[id(below)], -1)], -room))
    for i, item in enumerate(items):
        rows.append(([(top, 1), (i, -1)], 0.0))
        rows.append(([(i, 1), (bottom, -1)], -_height(item)))
    entries = [(r, column, value) for r, (terms, _) in enumerate(rows) for column, value in terms]
    r, column, value = (np.array(part) for part in zip(*entries, strict=True))
    matrix = coo_array((value, (r, column)), shape=(len(rows), len(cost))).tocsr()
    limits = [(0, None)] * len(cost)
    found: Any = linprog(cost, A_ub=matrix, b_ub=[limit for _, limit in rows], bounds=limits, method="highs")
    for item, y in zip(items, found.x, strict=False):
        item.y = float(round(y, 3))


def _weight(level: Level, net: Net, source: Item, target: Item) -> float:
    if isinstance(source, Box) and source.edge == 0 and target is net.lane and _only_leaves(level, net):
        return _EXIT_WEIGHT
    if not (isinstance(source, Box) and isinstance(target, Box)):
        return _LANE_WEIGHT
    chain = len(net.targets) == len(source.outs) == len(target.ins) == 1
    return _CHAIN_WEIGHT if chain else 1.0


def _only_leaves(level: Level, net: Net) -> bool:
    """Whether a net that is read in the next rank has its lane only to get out of the frame."""
    ends = [level.boxes[target] for target in net.targets]
    return any(e.edge == 0 for e in ends) and all(
        e.edge > 0 for e in ends if net.lane and e.rank > net.lane.first
    )


def _height(item: Item) -> float:
    return item.height if isinstance(item, Box) else 0.0


def _between(above: Item, below: Item) -> float:
    boxes = isinstance(above, Box) + isinstance(below, Box)
    return (BETWEEN_LANES, BESIDE_LANE, BETWEEN_BOXES)[boxes]
