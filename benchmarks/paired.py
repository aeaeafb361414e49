"""Two ways of doing the same, block after block in one process: how much slower the one is than the other."""

from __future__ import annotations

import random
import statistics
from typing import Any

QUIET = 0.05
"""Seconds of processor time that other processes may take in a second; a pair with more does not count."""
FEWEST = 5
DRAWS = 2000


def order_of(pairs: int) -> list[bool]:
    """ABBA ABBA ...: neither way gains by a drift of the machine."""
    return ([False, True, True, False] * pairs)[: 2 * pairs]


def compared(order: list[bool], blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the True blocks cost over the False ones.

    blocks : `seconds`, and `elsewhere`, the processor seconds of other processes meanwhile. Each pair of
        neighbours gives True / False - 1. The median over the pairs in which the machine was quiet counts;
        its 95 % interval is a bootstrap over pairs. Where fewer than FEWEST were quiet all count, and
        `quiet_pairs` says so.
    """
    both = [dict(zip(order[i : i + 2], blocks[i : i + 2], strict=True)) for i in range(0, len(order), 2)]
    slower = [pair[True]["seconds"] / pair[False]["seconds"] - 1 for pair in both]
    busy = [max(block["elsewhere"] / block["seconds"] for block in pair.values()) for pair in both]
    quiet = [s for s, b in zip(slower, busy, strict=True) if b < QUIET]
    counted = quiet if len(quiet) >= FEWEST else slower
    low, high = _interval(counted)
    return {
        "slowdown": statistics.median(counted),
        "interval_95": [low, high],
        "pairs": len(both),
        "quiet_pairs": len(quiet),
        "slowdown_of_pairs": counted,
    }


def _interval(values: list[float]) -> tuple[float, float]:
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    return medians[DRAWS // 40], medians[-DRAWS // 40 - 1]


def in_words(found: dict[str, Any]) -> str:
    """ "+0.9 % (95 %: +0.4 to +1.3; 20 of 24 pairs quiet)" """
    low, high = (100 * end for end in found["interval_95"])
    pairs = f"{found['quiet_pairs']} of {found['pairs']} pairs quiet"
    return f"{100 * found['slowdown']:+.2f} % (95 %: {low:+.2f} to {high:+.2f}; {pairs})"
