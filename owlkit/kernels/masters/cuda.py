"""Weights in float32 beside half precision, on a GPU: one launch for all of them.

What it moves is told by a table of addresses in the GPU's memory, which is made once per set of addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.masters import Masters

_THREADS = 256
_CHUNK = 1 << 15  # values: a block each, 1,900 of them for 61 million
_SIZES = {"float16": 2, "bfloat16": 2, "float32": 4}


class MastersKernel:
    def __init__(self, device: GpuDevice, spec: Masters) -> None:
        check_count(*spec.masters)
        halves = {d.dtype for d in spec.working} - {"float32"}
        # Without any in half precision nothing is rounded; the type of what is compiled is not used then.
        compiled = program(device, "masters/masters.cu", halves.pop() if halves else "float16")
        self._gpu = device.gpu
        self._narrow, self._widen = compiled.function("narrow"), compiled.function("widen")
        self._tables: dict[tuple[object, ...], Tensor] = {}

    def narrow(self, masters: Sequence[Tensor], working: Sequence[Tensor]) -> None:
        pairs = [(m, w) for m, w in zip(masters, working, strict=True) if m.dtype != w.dtype]
        rows = [self._row(master, copy, False, copy) for master, copy in pairs]
        table = self._table(rows)
        self._narrow.blocks(table.shape[0], table, threads=_THREADS)

    def widen(
        self, working: Sequence[Tensor], masters: Sequence[Tensor], add: Sequence[bool], state: Tensor | None
    ) -> None:
        pairs = zip(working, masters, add, strict=True)
        table = self._table([self._row(copy, master, adds, copy) for copy, master, adds in pairs])
        self._widen.blocks(table.shape[0], table, state, threads=_THREADS)

    def _row(
        self, source: Tensor, target: Tensor, add: bool, working: Tensor
    ) -> tuple[int, int, int, int, int, int]:
        read = self._gpu.pointer(source, reads=True, writes=False)
        written = self._gpu.pointer(target, reads=add, writes=True)
        sizes = _SIZES[source.dtype], _SIZES[target.dtype]
        return (read, written, source.descriptor.count, add + 2 * (working.dtype != "float32"), *sizes)

    def _table(self, rows: Sequence[tuple[int, int, int, int, int, int]]) -> Tensor:
        """(chunks, 5) int64, see masters.cu."""
        key = tuple(rows)
        if key not in self._tables:
            found = [
                (
                    read + at * size,
                    written + at * other,
                    min(_CHUNK, count - at),
                    flags & 1,
                    flags >> 1,
                )
                for read, written, count, flags, size, other in rows
                for at in range(0, count, _CHUNK)
            ]
            table = self._tables[key] = Tensor(Descriptor((len(found), 5), "int64"))
            table.array[...] = np.array(found, np.int64).reshape(-1, 5)
        return self._tables[key]


class ScaleKernel:
    def __init__(self, device: GpuDevice, spec: Descriptor) -> None:
        from owlkit.kernels import masters

        compiled = program(device, "masters/masters.cu", "float16")
        self._rescale, self._follow = compiled.function("rescale"), compiled.function("follow")
        self._limits = masters.LEAST, masters.MOST, masters.PATIENCE

    def rescale(self, diff: Tensor, state: Tensor, which: int) -> None:
        self._rescale.each(diff.descriptor.count, diff, state, which)

    def follow(self, state: Tensor) -> None:
        self._follow.blocks(1, state, *self._limits, threads=32)


class GuardKernel:
    def __init__(self, device: GpuDevice, dtype: str) -> None:
        self._judge = program(device, "masters/masters.cu", dtype).function("judge")

    def judge(self, loss: Tensor, state: Tensor) -> None:
        self._judge.each(loss.descriptor.count, loss, state)
