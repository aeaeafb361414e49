"""Tensors kept on a GPU: one launch for all of them, by a table of addresses in the GPU's memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.recent import Recent
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda import program

_SHARE = 1 << 14  # bytes of one block
_THREADS = 256
_MOST_TABLES = 8  # kept, put back, and taken up anew, before and after memory has moved


class KeepKernel:
    def __init__(self, device: GpuDevice, spec: tuple[Descriptor, ...]) -> None:
        if any(np.dtype(d.dtype).itemsize < 2 for d in spec):
            raise Unsupported("values of one byte are not kept on a GPU")
        self._gpu = device.gpu
        self._copy = program(device, "keep/keep.cu", "float32").function("copy_rows")
        self._tables = Recent(_MOST_TABLES)

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor], state: Tensor | None) -> None:
        pairs = zip(sources, targets, strict=True)
        table = self._table(tuple(self._row(*pair, held=state is not None) for pair in pairs))
        self._copy.blocks(table.shape[0], table, state, threads=_THREADS)

    def _row(self, source: Tensor, target: Tensor, *, held: bool) -> tuple[int, int, int]:
        """held : whether the target may have to stay as it is."""
        read = self._gpu.pointer(source, reads=True, writes=False)
        return read, self._gpu.pointer(target, reads=held, writes=True), source.descriptor.nbytes

    def _table(self, rows: tuple[tuple[int, int, int], ...]) -> Tensor:
        """(shares, 3) int64, see keep.cu."""
        table: Tensor | None = self._tables.get(rows)
        if table is None:
            found = [
                (read + at, written + at, min(_SHARE, nbytes - at))
                for read, written, nbytes in rows
                for at in range(0, nbytes, _SHARE)
            ]
            table = Tensor(Descriptor((len(found), 3), "int64"))
            table.array[...] = np.array(found, np.int64).reshape(-1, 3)
            self._tables.keep(rows, table)
        return table
