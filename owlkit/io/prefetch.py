"""Prefetching: one background thread fills a fixed set of buffers ahead of the consumer.

Where batches are light, made in less time than it takes two threads to hand over the interpreter, the thread
ends, and the consumer makes each one when it is wanted.

The work must be a function of a batch number alone, so that the position of the consumer is all that a
snapshot needs: what was prefetched and not consumed is simply made again.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Buffer = TypeVar("Buffer")
Fill = Callable[[int, Buffer], None]


def never() -> bool:
    """Batches are always made ahead."""
    return False


REST = 1e-4
"""Seconds that who finds no batch leaves the maker alone: two threads that wait for each other batch by batch
spend more on handing over the interpreter than on small batches."""


class _Worker(Generic[Buffer]):
    """What the thread holds: not the Prefetcher, so that dropping that one ends the thread."""

    def __init__(
        self, fill: Fill[Buffer], light: Callable[[], bool], buffers: Sequence[Buffer], start: int
    ) -> None:
        self.fill, self.light, self.number = fill, light, start
        self.free: queue.SimpleQueue[Buffer | None] = queue.SimpleQueue()
        self.ready: queue.SimpleQueue[Buffer | BaseException | None] = queue.SimpleQueue()
        self.stopping = False
        for buffer in buffers:
            self.free.put(buffer)

    def run(self) -> None:
        while not self.light():
            buffer = self.free.get()
            if buffer is None or self.stopping:
                return
            try:
                self.fill(self.number, buffer)
            except BaseException as error:  # carried to the consumer, who raises it
                self.ready.put(error)
                return
            self.number += 1
            self.ready.put(buffer)
        self.ready.put(None)  # the consumer makes the others


def _stop(worker: _Worker[Any], thread: threading.Thread) -> None:
    worker.stopping = True
    worker.free.put(None)
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join()


class Prefetcher(Generic[Buffer]):
    """Batches number `start`, `start` + 1, ... made ahead by a thread.

    fill : called as fill(number, buffer) in the thread, writes batch `number` into a buffer.
    buffers : at least one; their number bounds how far the thread runs ahead.
    light : asked before each batch whether from now on `take` is to make them, in the consumer's thread.
    number : of the batch that `take` gives next.
    wait_seconds : time that `take` has taken so far.
    disturbed : between `take` and `give`; at another time it means that an exception (Ctrl-C) struck there
    and a batch may be lost: make a new Prefetcher.

    The thread ends on `stop`, when the Prefetcher is dropped, and when the interpreter exits.
    """

    def __init__(
        self,
        fill: Fill[Buffer],
        buffers: Sequence[Buffer],
        start: int = 0,
        name: str = "",
        light: Callable[[], bool] = never,
    ) -> None:
        if not buffers:
            raise ValueError("prefetching needs at least one buffer")
        self.number = start
        self.wait_seconds = 0.0
        self.disturbed = False
        self._error: BaseException | None = None
        self._worker = _Worker(fill, light, buffers, start)
        self._alone = light()
        self._thread = threading.Thread(target=self._worker.run, name=f"prefetch {name}", daemon=True)
        self._finalizer = weakref.finalize(self, _stop, self._worker, self._thread)
        if not self._alone:
            self._thread.start()

    def take(self) -> Buffer:
        """The buffer with the next batch; hand it back with `give`. Raises what `fill` raised."""
        if self._error is not None:
            raise self._error
        if not self._finalizer.alive:
            raise RuntimeError("this prefetcher was stopped")
        self.disturbed = True
        started = time.perf_counter()
        item = self._made() if self._alone else self._awaited()
        self.wait_seconds += time.perf_counter() - started
        if isinstance(item, BaseException):
            self._error = item
            raise item
        self.number += 1
        return item

    def _awaited(self) -> Buffer | BaseException:
        if self._worker.ready.empty():
            time.sleep(REST)
        item = self._worker.ready.get()
        if item is None:
            self._alone = True
            return self._made()
        return item

    def _made(self) -> Buffer | BaseException:
        buffer = self._worker.free.get_nowait()
        assert buffer is not None, "stopped"
        try:
            self._worker.fill(self.number, buffer)
        except Exception as error:
            return error
        return buffer

    def give(self, buffer: Buffer) -> None:
        """Hand a buffer back to be filled again."""
        self._worker.free.put(buffer)
        self.disturbed = False

    def stop(self) -> None:
        """End the thread, waiting for the batch it is working on; may be called again."""
        self._finalizer()
