"""cuDNN's graph API through NVIDIA's front end: loading it, its handle, the stream, and timing.

One handle serves all threads, one at a time; before each call it is given the stream that the calling thread
queues on, which costs nothing while that stays the same.
"""

from __future__ import annotations

import os
import statistics
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.context import INSTALL, Context

ROUNDS = 5  # runs that are timed, of which the median counts


def cache_folder() -> Path:
    """Where chosen plans are kept: below OWLKIT_CACHE, or else ~/.cache/owlkit."""
    root = os.environ.get("OWLKIT_CACHE")
    if root:
        return Path(root) / "cudnn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "owlkit" / "cudnn"


def load() -> Any:
    """The module `cudnn`; raises DeviceError where it or the library is missing, with what to install."""
    try:
        import cudnn
    except (ImportError, OSError) as error:
        raise DeviceError(f"cuDNN's front end cannot be imported ({error}); {INSTALL}") from error
    try:
        cudnn.backend_version()
    except RuntimeError as error:
        raise DeviceError(f"the cuDNN library was not found ({error}); {INSTALL}") from error
    return cudnn


class _Use:
    """The lock of a handle. Whoever holds it has its GPU current, as cuDNN wants for planning too."""

    def __init__(self, context: Context) -> None:
        self._context, self._lock = context, threading.RLock()
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._before.append(self._context.enter())
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._context.leave(self._before.pop())
        finally:
            self._lock.release()


class CupyCudnn:
    """`owlkit.core.gpu.driver.Cudnn` beside CuPy. Raises DeviceError where cuDNN cannot be used.

    properties : of the driver.
    """

    def __init__(self, context: Context, properties: dict[str, Any]) -> None:
        self.frontend = load()
        self.cache: Path | None = cache_folder()
        self._context = context
        self.lock: AbstractContextManager[Any] = _Use(context)
        found = properties
        versions = f"cuDNN {self.frontend.backend_version()}, front end {self.frontend.__version__}"
        major, minor = found["driver"]
        device = f"{found['name']} {found['compute_capability']} {found['multiprocessors']}"
        self.about = f"{versions}, CUDA driver {major}.{minor}, {device}"
        with context.at_work():
            try:
                self._handle = self.frontend.create_handle()
            except RuntimeError as error:
                raise DeviceError(f"cuDNN cannot be opened on GPU {context.number}: {error}") from error

    def graph(self, dtype: Any) -> Any:
        """An empty graph; see `Cudnn.graph`."""
        wide = self.frontend.data_type.FLOAT
        return self.frontend.pygraph(
            io_data_type=dtype, intermediate_data_type=wide, compute_data_type=wide, handle=self._handle
        )

    def load(self, content: bytes) -> Any:
        """A graph with its plan; see `Cudnn.load`."""
        graph = self.frontend.pygraph(handle=self._handle)
        with self.lock, self._context.at_work():
            graph.deserialize(list(content))
        return graph

    def execute(self, graph: Any, places: dict[int, int], workspace: int) -> None:
        """Queue the plan of a graph on the calling thread's stream, in memory that it is given."""
        context, handle = self._context, self._handle
        with self.lock, context.at_work():
            try:
                self.frontend.set_stream(handle=handle, stream=context.stream)
                graph.execute(places, workspace, handle=handle)
            except (RuntimeError, self.frontend.cudnnGraphNotSupportedError) as error:
                raise context.explained(error) from error

    def seconds(self, work: Callable[[], None], before: Callable[[], None]) -> float:
        """How long the GPU takes for what `work` queues, after it ran once; see `Cudnn.seconds`."""
        cuda, main = self._context.cuda, self._context.main
        with self._context.at_work():
            rounds = [(cuda.Event(), cuda.Event()) for _ in range(ROUNDS)]
            work()
            for start, end in rounds:
                before()
                start.record(main)
                work()
                end.record(main)
            main.synchronize()
            return statistics.median(float(cuda.get_elapsed_time(*pair)) for pair in rounds) / 1e3
