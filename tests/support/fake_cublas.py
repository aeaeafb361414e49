"""As much of cuBLAS as is called, column by column in the host's memory, with the checks that it makes."""

from __future__ import annotations

from ctypes import c_int, c_longlong
from typing import Any

import ml_dtypes
import numpy as np

from tests.support.emulated_gpu.driver import at

_REAL = {0: np.float32, 1: np.float64, 2: np.float16, 14: ml_dtypes.bfloat16}
_WIDE = {68: np.float32, 77: np.float32, 70: np.float64}
INVALID_VALUE = 7


class _Text:
    """cublasGetStatusString."""

    restype: Any = None

    def __call__(self, status: int) -> bytes:
        return b"an unsupported value"


class FakeCublas:
    """queue : called with (stream, work). handles : per handle its stream, workspace and mode."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.handles: dict[int, dict[str, Any]] = {}
        self.kinds: list[int] = []
        self.cublasGetStatusString = _Text()

    def cublasCreate_v2(self, handle: Any) -> int:
        handle._obj.value = 0x500 + len(self.handles)
        self.handles[handle._obj.value] = {}
        return 0

    def cublasSetStream_v2(self, handle: Any, stream: Any) -> int:
        self.handles[handle.value] = {"stream": stream.value}  # the workspace is lost by it
        return 0

    def cublasSetWorkspace_v2(self, handle: Any, workspace: Any, nbytes: Any) -> int:
        self.handles[handle.value] |= {"workspace": workspace.value, "bytes": nbytes.value}
        return 0

    def cublasSetMathMode(self, handle: Any, mode: Any) -> int:
        self.handles[handle.value]["mode"] = mode.value
        return 0

    def cublasGemmEx(self, handle: Any, *rest: Any) -> int:
        step, one = c_longlong(0), c_int(1)
        head, a, b = rest[:6], rest[6:9], rest[9:12]  # head: turns, sizes, alpha
        beta, c, tail = rest[12], rest[13:16], rest[16:]
        return self.cublasGemmStridedBatchedEx(handle, *head, *a, step, *b, step, beta, *c, step, one, *tail)

    def cublasGemmStridedBatchedEx(self, handle: Any, ta: Any, tb: Any, *rest: Any) -> int:
        m, n, k = (number.value for number in rest[:3])
        alpha, a, at_, lda, sa, b, bt, ldb, sb, beta, c, ct, ldc, sc, count, kind, algorithm = rest[3:]
        settings = self.handles[handle.value]
        assert "workspace" in settings, "cuBLAS would take memory of its own"
        assert algorithm.value == -1
        rows = {"a": k if ta.value else m, "b": n if tb.value else k}
        if lda.value < rows["a"] or ldb.value < rows["b"] or ldc.value < m:
            return INVALID_VALUE
        self.kinds.append(kind.value)
        one, scale, wide = alpha._obj.value, beta._obj.value, _WIDE[kind.value]

        def multiply() -> None:
            for i in range(count.value):
                left = columns(a.value, at_.value, *((k, m) if ta.value else (m, k)), lda.value, i * sa.value)
                right = columns(b.value, bt.value, *((n, k) if tb.value else (k, n)), ldb.value, i * sb.value)
                target = columns(c.value, ct.value, m, n, ldc.value, i * sc.value)
                left, right = (x.T if t.value else x for x, t in ((left, ta), (right, tb)))
                product = one * (left.astype(wide) @ right.astype(wide))
                target[...] = product + scale * target.astype(wide) if scale else product

        self._queue(settings["stream"], multiply)
        return 0


def columns(pointer: int, kind: int, rows: int, columns: int, stride: int, start: int) -> np.ndarray:
    """The matrix (rows, columns) that lies column by column, `stride` elements apart, `start` elements on."""
    real = np.dtype(_REAL[kind])
    size = real.itemsize
    flat = at(pointer + start * size, ((columns - 1) * stride + rows) * size).view(real)
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), (size, stride * size))
