"""How `gpu_iteration.py` measures a side: time, the host's time, memory of the GPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]
QUEUED = 10  # iterations whose host time is taken: few, or else the queue is full and the host has to wait


class Memory:
    """What a side takes of the GPU; on a CPU, nothing is counted.

    begin : called after the first iteration, in which plans are tried. peak : the most bytes in use at one
    time since then, as the side's own allocator gave them out: values, gradients, workspaces of libraries;
    memory that it keeps for later does not count. device : all that the GPU has given away, to whomever.
    """

    def begin(self) -> None:
        pass

    def peak(self) -> int:
        return 0

    def device(self) -> int:
        return 0


class Side:
    """What is measured. run : queues so many iterations. wait : until all is done.

    waited : seconds that the host has waited within iterations so far; they are no work of the host's.
    """

    def __init__(self, run: Callable[[int], Any], wait: Step, memory: Memory) -> None:
        self.run, self.wait, self.memory = run, wait, memory
        self.waited = 0.0

    def watch(self, owner: Any, name: str) -> None:
        """Count the time spent in a method that waits for the GPU."""
        call = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self.waited += time.perf_counter() - started

        setattr(owner, name, timed)

    def watch_begun(self, owner: Any, name: str) -> None:
        """Count the time spent in `wait` of what a method begins and returns."""
        begin = getattr(owner, name)

        def begun(*args: Any, **options: Any) -> Any:
            made = begin(*args, **options)
            self.watch(made, "wait")
            return made

        setattr(owner, name, begun)


def repeated(step: Step) -> Callable[[int], None]:
    """What queues so many iterations, from what queues one."""

    def run(count: int) -> None:
        for _ in range(count):
            step()

    return run


def measure(side: Side, rounds: int, seconds: float) -> dict[str, Any]:
    """Rounds of as many iterations as take about `seconds`; first a few that are not counted."""
    side.run(1)
    side.wait()
    side.memory.begin()
    side.run(4)
    side.wait()
    once = timed(side, 3)
    count = max(3, int(seconds / once))
    times = [timed(side, count) for _ in range(rounds)]
    side.waited = 0.0
    started = time.perf_counter()
    few = min(count, QUEUED)
    side.run(few)
    host = (time.perf_counter() - started - side.waited) / few
    side.wait()
    taken = {"peak_bytes": int(side.memory.peak()), "device_bytes": int(side.memory.device())}
    return {"seconds": times, "host_seconds": host, "in_a_round": count, **taken}


def timed(side: Side, count: int) -> float:
    """Seconds of one of `count` iterations in a row, with the wait for the last."""
    started = time.perf_counter()
    side.run(count)
    side.wait()
    return (time.perf_counter() - started) / count
