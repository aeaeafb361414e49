"""Whose turn it is to run a net: one thread's at a time, and no other's while a Run trains it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

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

    def _check_kept(self, action: str) -> None:
        if self.keeper not in (None, threading.get_ident()):
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
        self._check_kept(name)
        with self._turn:
            return method(self, *args, **kwargs)

    return wait
