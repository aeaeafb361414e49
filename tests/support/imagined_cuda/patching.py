"""The imagined CUDA beneath CuPy: functions of libraries that are loaded already are made to jump to it.

CuPy's wheel has CUDA's runtime within `cupy_backends.cuda.api.runtime`; NVRTC and cuBLAS are libraries of
their own, of which only what owlkit and CuPy call is replaced.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

_RUNTIME = "cupy_backends.cuda.api.runtime"
_LONGEST_JUMP = 23  # bytes, as sources/patch.cpp writes them
_kept: list[ctypes.CDLL] = []


def install(cuda: ctypes.CDLL) -> None:
    """Before CuPy is imported."""
    from tests.support.imagined_cuda.kernels import COMPILER

    cuda.imagined_compiler(COMPILER)
    cuda.imagined_patch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p]
    for name, prefix in (("nvrtc", "nvrtc"), ("cublasLt", ""), ("cublas", "cublas")):
        _patch_library(cuda, name, prefix)
    _patch_runtime(cuda)


def _patch_library(cuda: ctypes.CDLL, name: str, prefix: str) -> None:
    from cuda.pathfinder import load_nvidia_dynamic_lib

    library = ctypes.CDLL(load_nvidia_dynamic_lib(name).abs_path)
    _kept.append(library)
    for function in _ours(cuda) if prefix else ():
        if function.startswith(prefix):
            _patch(cuda, _address(library, function), function)


def patch_cudnn(cuda: ctypes.CDLL) -> None:
    """What of cuDNN's library needs a GPU, where that library is loaded already."""
    _patch_library(cuda, "cudnn", "cudnn")
    path = Path(_kept[-1]._name)
    behind = ctypes.CDLL(str(path.with_name(path.name.replace("libcudnn.", "libcudnn_graph."))))
    _kept.append(behind)
    cuda.imagined_attributes(ctypes.c_void_p(_address(behind, "cudnnBackendSetAttribute")))


def _ours(cuda: ctypes.CDLL) -> list[str]:
    found = (re.fullmatch(r"imagined_(\w+)", name) for name, _, _ in _functions(Path(cuda._name)))
    return [match[1] for match in found if match]


def _functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """(name, offset, bytes) of what a library has, also for itself alone."""
    told = subprocess.run(["nm", "-S", "--defined-only", path], capture_output=True, text=True, check=True)
    for line in told.stdout.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[2] in "tT":
            yield parts[3], int(parts[0], 16), int(parts[1], 16)


def _patch_runtime(cuda: ctypes.CDLL) -> None:
    module = importlib.import_module(_RUNTIME)
    path = Path(str(module.__file__)).resolve()
    start, found = _start_of(path), 0
    for name, offset, nbytes in _functions(path):
        if re.fullmatch(r"cuda[A-Z]\w*", name):
            if nbytes < _LONGEST_JUMP:
                raise RuntimeError(f"{name} of {path.name} is too short to be replaced: {nbytes} bytes")
            _patch(cuda, start + offset, name)
            found += 1
    if not found:
        raise RuntimeError(f"{path.name} does not contain CUDA's runtime; this is for CuPy's wheels")


def _start_of(path: Path) -> int:
    """Where a loaded library begins in memory."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[2] == "00000000" and Path(parts[5]) == path:
            return int(parts[0].partition("-")[0], 16)
    raise RuntimeError(f"{path} is not loaded")


def _patch(cuda: ctypes.CDLL, place: int, name: str) -> None:
    own = getattr(cuda, f"imagined_{name}", None)
    target = _address(cuda, "imagined_missing") if own is None else ctypes.cast(own, ctypes.c_void_p).value
    called = None if own is not None else _name(name)
    if cuda.imagined_patch(place, target, called):
        raise RuntimeError(f"{name} cannot be replaced: this system lets nobody change code in memory")


def _name(text: str) -> ctypes.c_char_p:
    """For good: the code that is written refers to it."""
    _names.append(ctypes.create_string_buffer(text.encode()))
    return ctypes.cast(_names[-1], ctypes.c_char_p)


_names: list[ctypes.Array[ctypes.c_char]] = []


def _address(library: ctypes.CDLL, name: str) -> int:
    value = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    assert value is not None
    return value
