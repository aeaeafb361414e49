"""CUDA graphs by CuPy: recording what a thread queues, and what may not happen meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.context import Context


class CupyReplay:
    """A captured graph."""

    def __init__(self, context: Context, graph: Any) -> None:
        self._context, self._graph = context, graph

    def launch(self) -> None:
        """Queue all of it, behind what is queued already."""
        with self._context.at_work(), self._context.unbroken:  # not between two kernels of another's product
            self._graph.launch(self._context.main)


class Recording:
    """One capture at a time, on a stream that only the capturing thread uses: what other threads launch
    meanwhile runs, and does not end up in the graph.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._left = ExitStack()  # what is done at the end of the capture

    def begin(self) -> None:
        """From now on what this thread launches is recorded, CuPy's own kernels included.

        Only unsafe calls of this thread are refused (thread-local mode): the global mode would forbid them to
        all, as a data layer's thread that takes memory; the relaxed mode would let this one take memory that
        the graph does not own.
        """
        context = self._context
        with context.at_work():
            context.main.synchronize()
            self._left.enter_context(context.aside)  # CuPy's current stream, for a Python layer's kernels
            try:
                context.aside.begin_capture(context.runtime.streamCaptureModeThreadLocal)
            except BaseException:
                self._left.close()
                raise
            context.capturer = threading.get_ident()

    def end(self) -> CupyReplay:
        """What was recorded; raises CaptureError where CUDA has given it up."""
        context = self._context
        before = context.enter()
        try:
            return CupyReplay(context, context.aside.end_capture())
        except context.errors as error:
            raise context.explained(error) from error
        finally:
            context.capturer = None
            self._left.close()  # CuPy's current stream belongs to the GPU that is current
            context.leave(before)

    def afterwards(self, act: Callable[[], None]) -> None:
        """Have it called when the capture has ended."""
        self._left.callback(act)

    def part_with(self, stream: Any, *memory: Any) -> None:
        """Hold `memory` until `stream` has done what it was given: the pools would lend it again at once.

        Whoever is dropped calls this, at any moment. In a capture nobody may wait: it is done at its end.
        """
        if self._context.captures:
            self.afterwards(partial(self.part_with, stream, *memory))
            return
        # What the GPU has failed at shows where somebody asks for the result.
        with suppress(DeviceError), self._context.at_work():
            stream.synchronize()
