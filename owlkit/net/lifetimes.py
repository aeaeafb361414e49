"""When the memory of each blob is in use within an iteration, and how blobs can share one piece of memory.

An iteration has 2 n moments: step i runs forward at moment i and backward at moment 2 n - 1 - i. Data is in
use from the step that writes it to the last one that may read it, which for a step that runs backward is its
backward pass. A gradient is in use from the first layer that writes it, going backward, to the layer that
made the blob.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from owlkit.core.blob import Blob
from owlkit.core.memory import ALIGNMENT, Memory
from owlkit.net.steps import Step

#: Addresses on a GPU should be multiples of this, and nothing is lost by it elsewhere.
_BOUNDARY = 4 * ALIGNMENT


@dataclass
class Lifetime:
    """Memory that is in use from moment `first` to moment `last`, both included; `nbytes` of it."""

    memory: Memory
    nbytes: int
    first: int
    last: int
    written: bool = False


@dataclass(frozen=True)
class Placement:
    """Where memories go within one piece of `total` bytes: (offset, length, memory)."""

    total: int
    places: list[tuple[int, int, Memory]]


def lifetimes(steps: Sequence[Step], kept: Iterable[Memory]) -> list[Lifetime]:
    """Of all memory that the steps write, but for `kept` and what nothing within an iteration writes."""
    known: dict[int, Lifetime] = {}
    end = 2 * len(steps) - 1

    def touch(blob: Blob, role: str, moment: int, *, writes: bool) -> None:
        memory = blob.memory(role)
        life = known.get(id(memory))
        if life is None:
            life = known[id(memory)] = Lifetime(memory, 0, moment, moment)
        if writes and not life.written:
            # What is read before anything writes it (a gradient that nobody makes is zero) cannot move.
            life.written = moment <= life.first
        life.nbytes = max(life.nbytes, blob.descriptor.nbytes)
        life.first, life.last = min(life.first, moment), max(life.last, moment)

    for i, step in enumerate(steps):
        for blob in step.bottom:
            touch(blob, "data", i, writes=False)
        for blob in step.top:
            touch(blob, "data", i, writes=True)
    for i, step in reversed(list(enumerate(steps))):
        if not step.backward:
            continue
        for blob in (*step.bottom, *step.top):
            touch(blob, "data", end - i, writes=False)
        for blob in step.top:
            touch(blob, "diff", end - i, writes=False)
        wanted = step.nodes[0].propagate_down
        for blob, propagates in zip(step.bottom, wanted, strict=True):
            if propagates:
                touch(blob, "diff", end - i, writes=True)
    fixed = {id(memory) for memory in kept}
    return [life for key, life in known.items() if life.written and life.nbytes and key not in fixed]


def place(lives: Sequence[Lifetime]) -> Placement:
    """Offsets such that no two memories overlap that are in use at one moment.

    The largest first, each at the lowest offset that is free throughout its life.
    """
    placed: list[tuple[int, Lifetime]] = []
    total = 0
    for life in sorted(lives, key=lambda each: -each.nbytes):
        rivals = sorted(
            (offset, _rounded(other.nbytes))
            for offset, other in placed
            if other.first <= life.last and life.first <= other.last
        )
        start = 0
        for offset, length in rivals:
            if start + life.nbytes <= offset:
                break
            start = max(start, offset + length)
        placed.append((start, life))
        total = max(total, start + _rounded(life.nbytes))
    return Placement(total, [(offset, life.nbytes, life.memory) for offset, life in placed])


def _rounded(nbytes: int) -> int:
    return -(-nbytes // _BOUNDARY) * _BOUNDARY
