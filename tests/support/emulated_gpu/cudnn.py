"""`owlkit.core.gpu.driver.Cudnn` on the stand-in for a GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.emulated_gpu import cudnn_graph

if TYPE_CHECKING:
    from tests.support.emulated_gpu.driver import EmulatedDriver


class EmulatedCudnn:
    """planned : graphs that were made, loaded : those that came from disk."""

    frontend: Any = cudnn_graph

    def __init__(self, driver: EmulatedDriver, cache: Path | None = None, about: str = "stand-in") -> None:
        self._driver, self.cache, self.about = driver, cache, about
        self.lock = threading.RLock()
        self.planned, self.loaded = 0, 0

    def graph(self, dtype: Any) -> Any:
        self.planned += 1
        wide = cudnn_graph.data_type.FLOAT
        return cudnn_graph.pygraph(dtype, wide, wide, handle=1)

    def load(self, content: bytes) -> Any:
        self.loaded += 1
        graph = cudnn_graph.pygraph(handle=1)
        graph.deserialize(list(content))
        return graph

    def execute(self, graph: Any, places: dict[int, int], workspace: int) -> None:
        name = f"cudnn {graph.engine.name} {graph.recipe['steps'][0][0]}"
        run = partial(graph.execute, places, workspace, handle=1)
        self._driver.run(name, run, graph.engine.seconds)

    def seconds(self, work: Callable[[], None], before: Callable[[], None]) -> float:
        """By the stand-in's clock."""
        before()
        start = self._driver.clock
        work()
        return self._driver.clock - start
