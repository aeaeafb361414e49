"""Products of matrices by cuBLAS, bound by ctypes: CuPy's own calls refuse to be captured.

Each stream has its handle, because a handle that changes its stream loses its workspace; the workspace is
one, because what is queued runs in one order. A product may be several kernels that hand sums on in the
workspace: they are queued without another thread's product, or its graph, between them. With a workspace
given to it cuBLAS takes no memory, so that calls can be captured, and gives the same bits in every run.
"""

from __future__ import annotations

import ctypes as C
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.driver import Buffer, Matrix

WORKSPACE = 32 << 20  # bytes: what cuBLAS itself takes on Hopper; it needs less on others

_N, _T = 0, 1  # cublasOperation_t
_REAL = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}  # cudaDataType_t
_COMPUTE_32F, _COMPUTE_32F_TF32, _COMPUTE_64F = 68, 77, 70  # cublasComputeType_t
# cublasMath_t: sums of half precision that are split stay in float32. TF32 is asked for call by call.
_WIDE_SUMS = 16
_DEFAULT_ALGORITHM = -1


def load(version: int) -> C.CDLL:
    """The library of CUDA `version`, from the wheel beside CuPy or from the system.

    Raises DeviceError where there is none, with what to install.
    """
    name = f"libcublas.so.{version}"
    for path in (*_wheel(name), name):
        try:
            return C.CDLL(path)
        except OSError:
            continue
    package = "nvidia-cublas" if version >= 13 else f"nvidia-cublas-cu{version}"
    raise DeviceError(f"cuBLAS ({name}) was not found; pip install {package}")


def _wheel(name: str) -> list[str]:
    """The full path that NVIDIA's finder, which comes with CuPy, knows."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        path = str(load_nvidia_dynamic_lib("cublas").abs_path)
    except (ImportError, RuntimeError):
        return []
    return [path] if path.rpartition("/")[2].startswith(name) else []


class Cublas:
    """cuBLAS on two streams (the main one, the one for captures).

    version : of CUDA's runtime, its first number. allocate : takes memory of the GPU. unbroken : `Context`'s.
    """

    def __init__(
        self,
        version: int,
        streams: tuple[int, int],
        allocate: Callable[[int], Buffer],
        unbroken: AbstractContextManager[Any],
    ) -> None:
        self._library, self._unbroken = load(version), unbroken
        self._buffer = allocate(WORKSPACE)
        self._main, self._aside = (self._handle(stream) for stream in streams)

    def _handle(self, stream: int) -> C.c_void_p:
        handle = C.c_void_p()
        self._call("cublasCreate_v2", C.byref(handle))
        self._call("cublasSetStream_v2", handle, C.c_void_p(stream))
        workspace = C.c_void_p(self._buffer.pointer)
        self._call("cublasSetWorkspace_v2", handle, workspace, C.c_size_t(WORKSPACE))
        self._call("cublasSetMathMode", handle, C.c_int(_WIDE_SUMS))
        return handle

    def gemm(
        self,
        shape: tuple[int, int, int],
        a: Matrix,
        b: Matrix,
        c: Matrix,
        *,
        dtype: str,
        beta: float,
        stack: int,
        tf32: bool,
        aside: bool,
    ) -> None:
        """c = a b + beta c; see `Driver.gemm`. aside : on the stream for captures."""
        m, n, k = shape
        if c.turned:  # c' = b' a'
            m, n, a, b, c = n, m, _turn(b), _turn(a), _turn(c)
        if not (m and n and stack):
            return
        real, wide = _REAL[dtype], C.c_double if dtype == "float64" else C.c_float
        kind = _COMPUTE_64F if dtype == "float64" else _COMPUTE_32F_TF32 if tf32 else _COMPUTE_32F
        kind = kind if dtype in ("float32", "float64") else _COMPUTE_32F
        one, scale = wide(1.0), wide(beta)
        # Row by row in memory, our matrices are the transposed ones of cuBLAS's: c' = b' a'.
        turns = (C.c_int(_T if matrix.turned else _N) for matrix in (b, a))
        left = (C.c_void_p(b.pointer), C.c_int(real), C.c_int(b.stride))
        right = (C.c_void_p(a.pointer), C.c_int(real), C.c_int(a.stride))
        target = (C.c_void_p(c.pointer), C.c_int(real), C.c_int(c.stride))
        sizes = (C.c_int(n), C.c_int(m), C.c_int(k))
        handle = self._aside if aside else self._main
        ends = (C.c_int(kind), C.c_int(_DEFAULT_ALGORITHM))
        head: tuple[Any, ...] = (handle, *turns, *sizes, C.byref(one))
        if stack == 1:
            self._queue("cublasGemmEx", *head, *left, *right, C.byref(scale), *target, *ends)
            return
        steps = [C.c_longlong(matrix.step) for matrix in (b, a, c)]
        self._queue(
            "cublasGemmStridedBatchedEx",
            *(*head, *left, steps[0], *right, steps[1], C.byref(scale), *target, steps[2]),
            *(C.c_int(stack), *ends),
        )

    def _queue(self, name: str, *args: Any) -> None:
        with self._unbroken:
            self._call(name, *args)

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status:
            text = self._library.cublasGetStatusString
            text.restype = C.c_char_p
            raise DeviceError(f"{name}: {text(status).decode()} ({status})")


def _turn(matrix: Matrix) -> Matrix:
    return replace(matrix, turned=not matrix.turned)
