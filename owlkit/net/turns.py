"""Whose turn it is to run a net: one thread's at a time, and no other's while a Run trains it."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from owlkit.core.errors import NetError
from owlkit.core.tracebacks import shorten
from owlkit.net.described import Described

Given = ParamSpec("Given")
Result = TypeVar("Result")
Taker = TypeVar("Taker", bound="TakesTurns")
PATIENCE = 0.2
"""Seconds after which who waits looks for itself: who was before it may have been interrupted, and silent."""


class Turns:
    """A lock that threads get in the order in which they ask, and that its thread may take again.

    Python's own goes to whoever is quickest, which is the thread that has just given it back: who wants to
    look between two iterations would wait for many.

    keeper : who trains, see `TakesTurns`. holder : the thread that has the turn.
    """

    def __init__(self) -> None:
        self.keeper: int | None = None
        self.holder: int | None = None
        self._lock = threading.RLock()
        self._passed_on = threading.Condition(self._lock)
        self._queue: deque[object] = deque()  # the first has the turn, or takes it next
        self._later: list[Callable[[], object]] = []  # to be called when the turn has been let go

    @property
    def mine(self) -> bool:
        """Whether the calling thread has the turn."""
        return self.holder == threading.get_ident()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for one's turn, and have it meanwhile."""
        me = threading.get_ident()
        if self.holder == me:
            yield
            return
        ticket = object()
        later: list[Callable[[], object]] = []
        try:
            self._queue.append(ticket)
            with self._lock:
                while self._queue[0] is not ticket:
                    self._passed_on.wait(PATIENCE)
                try:
                    self.holder = me
                    yield
                finally:
                    later, self._later = self._later, []
                    self.holder = None
                    self._queue.popleft()
                    if self._queue:
                        self._passed_on.notify_all()
        finally:
            if ticket in self._queue:  # interrupted before it came to that
                self._queue.remove(ticket)
            for act in later:
                act()

    def afterwards(self, act: Callable[[], object]) -> None:
        """Have it called when this thread has let its turn go, at once where it has none.

        So are remarks told that come up in a pass: who hears them may wait for other threads, and these for
        their turn.
        """
        if self.mine:
            self._later.append(act)
        else:
            act()


class TakesTurns(Described):
    """Threads wait for each other's passes: blobs and scratch memory are the net's, whoever runs it.

    turns : whose pass it is. A solver keeps its turn for a whole iteration, the update included, but for
        callbacks, which may wait for whom they like.
    """

    def __init__(self) -> None:
        self.turns = self._of_weights = Turns()

    @property
    def keeper(self) -> int | None:
        """The thread that trains it, while it does; passes of others would change what it computes."""
        return self.turns.keeper

    def keep_to(self, thread: int | None) -> None:
        """Let only this thread run the net, once a pass that another has begun is over; None: any, now."""
        with self.turns.taken() if thread is not None else nullcontext():
            self.turns.keeper = thread

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Between two iterations: meanwhile no training changes the weights, shared ones included.

        For any thread, also while a Run trains: waits for the end of the iteration, and training waits then.
        So look quickly, or copy: `with run.net.at_rest(): w = run.net.params["conv1"][0].data.copy()`.
        """
        with self._of_weights.taken():
            yield

    @property
    def in_training_elsewhere(self) -> bool:
        """Whether a Run trains its weights in another thread than the calling one."""
        return self._of_weights.keeper not in (None, threading.get_ident())

    def follow(self, owner: TakesTurns) -> None:
        """The weights of this net are those of `owner` from now on, and so is their rest."""
        self._of_weights = owner._of_weights

    def _refuse(self, action: str) -> NoReturn:
        raise NetError(
            f"{action}: net {self.name!r} is in training in another thread, which this would disturb; "
            "call run.pause() before (owlkit.runs() lists the runs), or take a net of your own with the "
            "same weights: owlkit.Net(definition, share=run.net)"
        )

    def __getstate__(self) -> Any:
        raise TypeError(f"net {self.name!r} cannot be copied; use net.save, or owlkit.Net(..., share=net)")


def in_turn(
    method: Callable[Concatenate[Taker, Given], Result],
) -> Callable[Concatenate[Taker, Given], Result]:
    """Wait for one's turn. Raises NetError while a Run trains the net in another thread."""
    name = method.__name__

    @functools.wraps(method)
    def wait(self: Taker, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        me, turns = threading.get_ident(), self.turns
        if turns.keeper is not None and turns.keeper != me:
            self._refuse(name)  # at once, not after the iteration that goes on; also at rest
        try:
            if turns.holder == me:
                return method(self, *args, **kwargs)
            with turns.taken():
                if turns.keeper is not None and turns.keeper != me:
                    self._refuse(name)  # a training has begun, or gone on, while this one waited
                return method(self, *args, **kwargs)
        except BaseException as error:
            shorten(error)
            raise

    return wait
