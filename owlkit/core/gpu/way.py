"""A way for batches from a thread of the host to the GPU, by CuPy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np

from owlkit.core.gpu.context import Context
from owlkit.core.gpu.recording import Recording


class CupyWay:
    """See `owlkit.core.gpu.driver.Way`. All copies over the bus are made by one stream, in order.

    arrived : for each of `hosts`: it has been read, and the buffer is filled. taken : for each buffer of the
    GPU: it may be filled again. An event that was never recorded counts as past.
    """

    def __init__(self, context: Context, recording: Recording, nbytes: int, hosts: int, buffers: int) -> None:
        self._context, self._recording, self._nbytes = context, recording, nbytes
        cuda = context.cuda
        with context.at_work():
            self._pinned = [cuda.alloc_pinned_memory(nbytes) for _ in range(hosts)]
            self._stream = cuda.Stream(non_blocking=True)
            with self._stream:
                self._buffers = [cuda.alloc(nbytes) for _ in range(buffers)]
            self._arrived = [cuda.Event(disable_timing=True) for _ in range(hosts)]
            self._taken = [cuda.Event(disable_timing=True) for _ in range(buffers)]
            for taken in self._taken:
                taken.record(context.main)  # queued work may read a former way's buffer, now this one's
        self.hosts: Sequence[np.ndarray] = [
            np.frombuffer(pinned, np.uint8, nbytes) for pinned in self._pinned
        ]

    def __del__(self, at_the_end: Callable[[], bool] = sys.is_finalizing) -> None:
        # When the interpreter ends modules may be gone, and nobody takes memory any more.
        stream = getattr(self, "_stream", None)  # absent where there was too little memory for a way
        if stream is not None and not at_the_end():
            self._recording.part_with(stream, self._pinned, getattr(self, "_buffers", None))

    def wait(self, host: int) -> None:
        """Wait until the last `send` of `hosts[host]` has read it."""
        with self._context.at_work():
            self._arrived[host].synchronize()

    def send(self, host: int, buffer: int) -> None:
        """Begin to copy `hosts[host]` to a buffer of the GPU, once that was received from."""
        runtime, stream = self._context.runtime, self._stream
        with self._context.at_work():
            stream.wait_event(self._taken[buffer])
            kind, source = runtime.memcpyHostToDevice, self._pinned[host].ptr
            runtime.memcpyAsync(self._buffers[buffer].ptr, source, self._nbytes, kind, stream.ptr)
            self._arrived[host].record(stream)

    def receive(self, host: int, buffer: int, copies: Sequence[tuple[int, int, int]]) -> None:
        """Queue copies from the buffer, when `hosts[host]` has arrived there."""
        runtime, main = self._context.runtime, self._context.main
        with self._context.at_work():
            main.wait_event(self._arrived[host])
            kind, source = runtime.memcpyDeviceToDevice, self._buffers[buffer].ptr
            for target, start, nbytes in copies:
                runtime.memcpyAsync(target, source + start, nbytes, kind, main.ptr)
            self._taken[buffer].record(main)
