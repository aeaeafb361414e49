"""Requests to a training thread: made in any thread, served between two iterations, in order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from owlkit.core.tracebacks import Kept


def as_first_raised(error: BaseException) -> BaseException:
    """An error of the training thread to raise once more, for each who asks, with the traceback of the first
    time: every raise adds to it."""
    first = vars(error).setdefault("_owlkit_traceback", Kept(error.__traceback__))
    return error.with_traceback(first.entry)


@dataclass(eq=False)
class Request:
    """One request, as a Run's controls are called.

    kind : "pause", "resume", "step", "lr", "stop", "snapshot" or "back". value : what it needs.
    """

    kind: str
    value: Any = None
    source: str = "code"
    result: Any = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Let whoever waits go on; only the first call counts."""
        if not self.done.is_set():
            self.result, self.error = result, error
            self.done.set()

    def outcome(self) -> Any:
        """Wait; returns the result or raises the error."""
        self.done.wait()
        if self.error is not None:
            raise as_first_raised(self.error)
        return self.result


class Requests:
    """A queue of requests that also says whether training may go on."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may put a request while its own thread holds the lock.
        self.changed = threading.Condition(threading.RLock())
        self._waiting: deque[Request] = deque()

    def put(self, request: Request) -> Request:
        with self.changed:
            self._waiting.append(request)
            self.changed.notify_all()
        return request

    def take(self) -> Request | None:
        """The next request, or None."""
        if not self._waiting:  # asked before each iteration: without the lock
            return None
        with self.changed:
            return self._waiting.popleft() if self._waiting else None

    def next_kind(self) -> str:
        """Kind of the next request, "" where there is none."""
        if not self._waiting:
            return ""
        with self.changed:
            return self._waiting[0].kind if self._waiting else ""

    def wait(self) -> None:
        """Sleep until there is a request."""
        with self.changed:
            self.changed.wait_for(lambda: self._waiting)

    def cancel(self, error: BaseException | None) -> None:
        """Finish all that is waiting: nobody will serve it."""
        while (request := self.take()) is not None:
            request.finish(error=error)
