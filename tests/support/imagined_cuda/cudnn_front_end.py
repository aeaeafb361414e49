"""cuDNN's front end on the imagined GPUs: the stand-in's graphs, computed in C++ in the order of streams."""

from __future__ import annotations

import ctypes as C
import itertools
from typing import Any

from tests.support import imagined_cuda
from tests.support.emulated_gpu import cudnn_graph
from tests.support.emulated_gpu.cudnn_graph import (
    cudnnGraphNotSupportedError,
    data_type,
    heur_mode,
    numerical_note,
)

__all__ = ["cudnnGraphNotSupportedError", "data_type", "heur_mode", "numerical_note", "pygraph"]
__version__ = "1.28.0"

_KINDS = {"float32": 0, "float16": 2, "bfloat16": 14}  # cudaDataType
_CALLS = {"fprop": 0, "dgrad": 1, "wgrad": 2}
_handles = itertools.count(1)
_streams: dict[int, int] = {}


class _Tensor(C.Structure):
    _fields_ = [
        ("values", C.c_void_p), ("kind", C.c_int), ("dims", C.c_longlong * 5), ("steps", C.c_longlong * 5),
    ]  # fmt: skip


class _Convolution(C.Structure):
    """See sources/cudnn.cpp."""

    _fields_ = [
        ("call", C.c_int), ("axes", C.c_int), ("relu", C.c_int),
        *((name, C.c_longlong * 3) for name in ("pad", "stride", "dilation")),
        *((name, _Tensor) for name in ("first", "second", "result", "bias")),
        ("workspace", C.c_void_p), ("workspace_bytes", C.c_size_t),
    ]  # fmt: skip


def backend_version() -> int:
    """9.19."""
    return 91900


def create_handle() -> int:
    """For `set_stream`."""
    return next(_handles)


def set_stream(*, handle: int, stream: int) -> None:
    """The stream on which graphs are executed from now on."""
    _streams[handle] = stream


class pygraph(cudnn_graph.pygraph):
    """The stand-in's, whose work is queued."""

    def execute(self, places: dict[int, int], workspace: int, handle: Any = None) -> None:
        """places : addresses by uid."""
        self.check_call(places, workspace, handle)
        assert self.engine is not None
        queue(self.recipe, places, workspace, self.engine.workspace, _streams.get(handle, 0))


def queue(recipe: dict[str, Any], places: dict[int, int], workspace: int, nbytes: int, stream: int) -> None:
    """Queue what a recorded graph computes. nbytes : of its workspace. Raises RuntimeError."""
    work = _convolution(recipe, places)
    work.workspace, work.workspace_bytes = workspace, nbytes
    failed = imagined_cuda.begin().imagined_convolution(C.byref(work), C.c_void_p(stream))
    if failed:
        raise RuntimeError(f"cuDNN cannot queue its work (CUDA error {failed})")


def _convolution(recipe: dict[str, Any], places: dict[int, int]) -> _Convolution:
    def tensor(uid: int) -> _Tensor:
        dims, steps, kind = recipe["tensors"][str(uid)]
        return _Tensor(places[uid], _KINDS[kind], tuple(dims), tuple(steps))

    (kind, uids, window), *others = recipe["steps"]
    then = {name: inputs for name, inputs, _ in others}
    spatial = (tuple(window[name]) for name in ("pre_padding", "stride", "dilation"))
    axes = len(recipe["tensors"][str(recipe["result"])][0])
    sides = (tensor(uid) for uid in (*uids, recipe["result"]))
    bias = tensor(then["bias"][-1]) if "bias" in then else _Tensor()
    return _Convolution(_CALLS[kind], axes, "relu" in then, *spatial, *sides, bias)
