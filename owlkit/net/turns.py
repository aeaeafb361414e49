"""Whose turn it is to run a net: one thread's at a time, and no other's while a Run trains it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from owlkit.core.errors import NetError
from owlkit.net.described import Described

Given = ParamSpec("Given")
Result = TypeVar("Result")
Taker = TypeVar("Taker", bound="TakesTurns")


class TakesTurns(Described):
    """Threads wait for each other's passes: blobs and scratch memory are the net's, whoever runs it.

    keeper : the thread that trains it, while it does; passes of others would change what it computes.
    """

    def __init__(self) -> None:
        self.keeper: int | None = None
        self._turn = threading.RLock()

    def keep_to(self, thread: int | None) -> None:
        """Let only this thread run the net, None: any; a pass that another one has begun ends before."""
        with self._turn:
            self.keeper = thread

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
        me = threading.get_ident()
        if self.keeper is not None and self.keeper != me:
            self._refuse(name)  # at once, not after the iteration that goes on
        with self._turn:
            if self.keeper is not None and self.keeper != me:
                self._refuse(name)  # a training has begun, or gone on, while this one waited
            return method(self, *args, **kwargs)

    return wait
