"""cuDNN's own front end and plans, for an H100, on the imagined GPUs: what a plan computes is ours.

Beside each graph of cuDNN's one of the stand-in's records the same operations. A plan is run by cuDNN's front
end down to the library's last call; what that was given, pointers, workspace and stream, is what the
convolution gets.
"""

from __future__ import annotations

import ctypes as C
import json
from typing import Any

from tests.support import imagined_cuda
from tests.support.emulated_gpu import cudnn_graph
from tests.support.imagined_cuda.cudnn_front_end import queue
from tests.support.planning_cudnn import H100

_MOST = 16  # tensors of a plan
_RECORDED = {"tensor", "conv_fprop", "conv_dgrad", "conv_wgrad", "bias", "relu"}
_MARK = b"\n-- what it computes --\n"


class _Both:
    """A tensor of cuDNN's graph and of the stand-in's."""

    def __init__(self, theirs: Any, ours: Any) -> None:
        self.theirs, self.ours = theirs, ours

    def __getattr__(self, name: str) -> Any:
        def call(value: Any) -> _Both:
            getattr(self.theirs, name)(value)
            getattr(self.ours, name)(_ours(value))
            return self

        return call


def _ours(value: Any) -> Any:
    """What the stand-in takes in place of cuDNN's."""
    if isinstance(value, _Both):
        return value.ours
    kind = getattr(value, "name", None)
    return cudnn_graph.data_type[kind] if kind in cudnn_graph.data_type.__members__ else value


def _theirs(value: Any) -> Any:
    return value.theirs if isinstance(value, _Both) else value


class Graph:
    """cuDNN's graph of one convolution."""

    def __init__(self, module: Any, device: Any, **options: Any) -> None:
        given = {name: value for name, value in options.items() if name != "handle" and value is not None}
        self._theirs = module.own_pygraph(**given, device_property=device, sm_version=90)
        self._ours = cudnn_graph.pygraph(
            **{name: _ours(value) for name, value in given.items()}, handle=options.get("handle")
        )
        self._recipe: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self._theirs, name)
        if name not in _RECORDED:
            return theirs
        ours = getattr(self._ours, name)

        def call(**options: Any) -> _Both:
            sides = ({key: side(value) for key, value in options.items()} for side in (_theirs, _ours))
            return _Both(theirs(**next(sides)), ours(**next(sides)))

        return call

    def create_execution_plans(self, modes: list[Any]) -> Any:
        self._recipe = json.loads(json.dumps(self._ours.recorded()))
        return self._theirs.create_execution_plans(modes)

    def serialize(self) -> list[int]:
        return list(bytes(self._theirs.serialize()) + _MARK + json.dumps(self._recipe).encode())

    def deserialize(self, content: list[int]) -> None:
        plan, _, recipe = bytes(content).partition(_MARK)
        self._theirs.deserialize(list(plan))
        self._recipe = json.loads(recipe)

    def execute(self, places: dict[int, int], workspace: int, handle: Any = None) -> None:
        """places : addresses by uid."""
        cuda = imagined_cuda.begin()
        self._theirs.execute(places, workspace, handle=handle)
        ids, pointers = (C.c_longlong * _MOST)(), (C.c_void_p * _MOST)()
        space, stream = C.c_void_p(), C.c_void_p()
        count = cuda.imagined_pack(ids, pointers, C.byref(space), C.byref(stream))
        assert count >= 0, "a plan ran more or less than once"
        given = {int(ids[i]): int(pointers[i] or 0) for i in range(count)}
        assert {str(uid) for uid in given} == self._recipe["tensors"].keys()
        nbytes = self._theirs.get_workspace_size()
        queue(self._recipe, given, space.value or 0, nbytes, stream.value or 0)


def install(module: Any) -> None:
    """Behind the import of cuDNN's front end."""
    from tests.support.imagined_cuda.patching import patch_cudnn

    patch_cudnn(imagined_cuda.begin())
    device = module.create_device_properties(json.dumps(H100))
    module.own_pygraph = module.pygraph
    module.pygraph = lambda **options: Graph(module, device, **options)
