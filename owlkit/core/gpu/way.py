"""A way for batches from a thread of the host to the GPU, by CuPy."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from owlkit.core.gpu.context import Context
from owlkit.core.gpu.recording import Recording


class CupyWay:
    """See `owlkit.core.gpu.driver.Way`. arrived : the GPU's buffer is filled. taken : it may be filled again.

    An event that was never recorded counts as past.
    """

    def __init__(self, context: Context, recording: Recording, nbytes: int) -> None:
        self._context, self._recording, self._nbytes = context, recording, nbytes
        cuda = context.cuda
        with context.at_work():
            self._pinned = cuda.alloc_pinned_memory(nbytes)
            self._stream = cuda.Stream(non_blocking=True)
            with self._stream:
                self._buffer = cuda.alloc(nbytes)
            self._arrived, self._taken = cuda.Event(disable_timing=True), cuda.Event(disable_timing=True)
            self._taken.record(context.main)  # queued work may read a former way's buffer, now this one's
        self.host = np.frombuffer(self._pinned, np.uint8, nbytes)

    def __del__(self, at_the_end: Callable[[], bool] = sys.is_finalizing) -> None:
        # When the interpreter ends modules may be gone, and nobody takes memory any more.
        stream = getattr(self, "_stream", None)  # absent where there was too little memory for a way
        if stream is not None and not at_the_end():
            self._recording.part_with(stream, self._pinned, getattr(self, "_buffer", None))

    def wait(self) -> None:
        """Wait until the last `send` has read `host`."""
        with self._context.at_work():
            self._arrived.synchronize()

    def send(self) -> None:
        """Begin to copy `host` to the GPU's buffer, once that was received."""
        runtime, stream = self._context.runtime, self._stream
        with self._context.at_work():
            stream.wait_event(self._taken)
            kind = runtime.memcpyHostToDevice
            runtime.memcpyAsync(self._buffer.ptr, self._pinned.ptr, self._nbytes, kind, stream.ptr)
            self._arrived.record(stream)

    def receive(self, pointer: int, nbytes: int) -> None:
        """Queue a copy of the GPU's buffer, when it has arrived, to an address there."""
        runtime, main = self._context.runtime, self._context.main
        with self._context.at_work():
            main.wait_event(self._arrived)
            kind = runtime.memcpyDeviceToDevice
            runtime.memcpyAsync(pointer, self._buffer.ptr, nbytes, kind, main.ptr)
            self._taken.record(main)
