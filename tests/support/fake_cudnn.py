"""The module `cudnn` for the driver's stand-in: its handle, its stream, plans that run when it does."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

from tests.support.emulated_gpu import cudnn_graph
from tests.support.fake_cuda import FakeCuda


class Handle:
    """Belongs to one GPU; as a new one's, its work goes to the default stream, 0."""

    def __init__(self) -> None:
        self.stream = 0


class FakeCudnn:
    """switched : streams that the handle was given. handles : how many there are."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda, self.handles = cuda, 0
        self.switched: list[int] = []
        self.broken = ""

    def create_handle(self) -> Handle:
        self.cuda.own()
        self.cuda.safe()
        if self.broken:
            raise RuntimeError(self.broken)
        self.handles += 1
        return Handle()

    def set_stream(self, *, handle: Handle, stream: int) -> None:
        self.cuda.own()
        if handle.stream != stream:
            self.switched.append(stream)
        handle.stream = stream

    def module(self) -> ModuleType:
        """What stands in sys.modules."""
        found, cuda = ModuleType("cudnn"), self.cuda

        class Graph(cudnn_graph.pygraph):
            def __init__(self, handle: Handle, **types: Any) -> None:
                assert isinstance(handle, Handle)
                super().__init__(handle=handle, **types)

            def build_operation_graph(self) -> None:
                cuda.own()
                super().build_operation_graph()

            def execute(self, places: dict[int, int], workspace: int, handle: Any = None) -> None:
                cuda.own()
                if handle.stream not in cuda.streams:
                    raise RuntimeError("CUDNN_STATUS_EXECUTION_FAILED")
                there = weakref.ref(self)

                def work() -> None:
                    graph = there()
                    assert graph is not None, (
                        "a plan, and its kernels with it, is gone before its work is done"
                    )
                    cudnn_graph.pygraph.execute(graph, places, workspace, handle)

                cuda.streams[handle.stream].queue(work)

        names = ("data_type", "heur_mode", "numerical_note", "cudnnGraphNotSupportedError")
        found.__dict__.update({name: getattr(cudnn_graph, name) for name in names})
        found.__dict__.update(pygraph=Graph, create_handle=self.create_handle, set_stream=self.set_stream)
        found.__dict__.update(backend_version=lambda: 91901, __version__="1.28.0")
        return found
