"""The log of what the host has used of a GPU's memory."""

from __future__ import annotations

from owlkit.core.gpu import touched
from owlkit.core.gpu.touched import Touched
from owlkit.core.memory import Memory, share_flags


def test_tells_what_came_since() -> None:
    log, first, second = Touched(), object(), object()
    assert log.since(-1)[0] is None, "who has seen nothing asks all"
    _, begun = log.since(0)
    log.add(first)
    log.add(second)
    used, end = log.since(begun)
    assert (list(used or ()), end) == ([id(first), id(second)], 2)
    assert log.since(end) == ([], 2)


def test_who_comes_too_late_asks_all() -> None:
    log = Touched()
    _, early = log.since(0)
    for _ in range(touched.MOST):
        log.add(log)
    _, late = log.since(early)
    log.add(log)
    assert log.since(early)[0] is None
    assert log.since(late) == ([id(log)], touched.MOST + 1)


def test_flags_side_by_side_are_those_of_the_memories() -> None:
    memories = [Memory() for _ in range(3)]
    memories[1].cleared = True
    flags = share_flags(memories)
    assert flags == b"\0\1\0"
    memories[2].cleared = True
    flags[1] = 0
    assert [memory.cleared for memory in memories] == [False, False, True]
