"""NumPy's work shared by several threads: it lets the interpreter go while it computes.

For what neither oneDNN nor a single call of NumPy does fast: sums of odd shapes, copies of rows, comparisons.
Work below a threshold stays in the calling thread and costs nothing extra.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

# Values below which one core is done about as soon: waking another takes 10 to 60 us (measured).
LEAST_VALUES = 1 << 19
Work = Callable[[int, int], None]


@cache
def count() -> int:
    """As many threads as oneDNN takes, the caller's included: OMP_NUM_THREADS, else the cores we may use."""
    from owlkit.kernels import onednn_available
    from owlkit.kernels.dnnl import library

    if onednn_available() and hasattr(library.load(), "omp_get_max_threads"):
        return int(library.load().omp_get_max_threads())
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(first) if first.isdecimal() and int(first) else len(os.sched_getaffinity(0))


def share(length: int, values: int, work: Work, threads: int | None = None) -> None:
    """Call work(start, stop) for parts that together are range(length), at once in several threads.

    values : how many array elements all of the work touches; few are left to the calling thread.
    work : must write to memory of its own part only, in NumPy calls that are large enough to let the
        interpreter go. NumPy's error state is the caller's. The first exception is raised here, after every
        part has ended.
    threads : at most so many; by default `count()`.
    """
    parts = min(length, count() if threads is None else threads)
    if parts < 2 or (threads is None and values < LEAST_VALUES) or _inside.worker:
        if length:
            work(0, length)
        return
    edges = [length * part // parts for part in range(parts + 1)]
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    jobs: list[Any] = []
    for start, stop in pairwise(edges[1:]):
        jobs.append((threading.Lock(), contextvars.copy_context(), work, start, stop, done))
        _jobs(os.getpid(), parts - 1).put(jobs[-1])
    errors = [_attempt(work, edges[0], edges[1])]
    for job in jobs:
        _run(job)  # what nobody has begun, because all cores are busy
    errors += [done.get() for _ in jobs]
    for error in errors:
        if error is not None:
            raise error


def _attempt(work: Work, start: int, stop: int) -> BaseException | None:
    try:
        work(start, stop)
    except BaseException as error:
        return error
    return None


def _run(job: Any) -> None:
    """Do a job, unless another thread has begun it."""
    begun, context, work, start, stop, done = job
    if begun.acquire(blocking=False):
        done.put(context.run(_attempt, work, start, stop))


class _Inside(threading.local):
    """Whether this thread is a worker: it must not wait for other workers."""

    worker = False


_inside = _Inside()
_started = threading.Lock()
_queues: dict[int, tuple[SimpleQueue[Any], int]] = {}


def _jobs(process: int, workers: int) -> SimpleQueue[Any]:
    """The queue that at least `workers` threads of this process read. A forked child starts its own."""
    queue, running = _queues.get(process, (None, 0))
    if queue is not None and running >= workers:
        return queue
    with _started:
        queue, running = _queues.get(process, (None, 0))
        queue = SimpleQueue() if queue is None else queue
        for _ in range(running, workers):
            threading.Thread(target=_serve, args=(queue,), name="owlkit-kernels", daemon=True).start()
        _queues[process] = queue, max(running, workers)
    return queue


def _serve(queue: SimpleQueue[Any]) -> None:
    _inside.worker = True
    while True:
        _run(queue.get())
