"""Rows by number, shared by threads: copies by rows, sums by columns, so that no two add to one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.rows import Numbers, Rows

_WIDE = 128  # values in a row from which one addition per row is faster than sorting (measured, NumPy 2.4)


class RowsKernel:
    def __init__(self, device: Device, spec: Rows) -> None:
        self.spec = spec
        # 16-bit numbers are sorted digit by digit, in a tenth of the time.
        self._sorted_as = np.uint16 if spec.count <= 1 << 16 else np.int64

    def take(self, table: Tensor, numbers: Numbers, out: Tensor) -> None:
        chosen, width = numbers.read(), self.spec.width
        source, target = table.flat.reshape(-1, width), out.flat.reshape(-1, width)

        def copy(start: int, stop: int) -> None:
            # mode="clip" spares a copy of `out`; the numbers were checked.
            np.take(source, chosen[start:stop], axis=0, out=target[start:stop], mode="clip")

        share(len(chosen), target.size, copy)

    def add(self, table: Tensor, numbers: Numbers, rows: Tensor) -> None:
        width = self.spec.width
        self._add(table.flat.reshape(-1, width), numbers.kept(), rows.flat.reshape(-1, width))

    def _add(self, table: np.ndarray, numbers: np.ndarray, rows: np.ndarray) -> None:
        if self.spec.width < _WIDE:
            self._add_sorted(table, numbers, rows)
            return
        targets = numbers.tolist()

        def add(start: int, stop: int) -> None:
            for target, row in zip(targets, rows[:, start:stop], strict=True):
                part = table[target, start:stop]
                np.add(part, row, out=part)

        share(self.spec.width, rows.size, add)

    def _add_sorted(self, table: np.ndarray, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Rows of the same number become neighbours, whose sums NumPy makes in one call."""
        if not numbers.size:
            return
        order = np.argsort(numbers.astype(self._sorted_as), kind="stable")
        found = numbers[order]
        starts = np.flatnonzero(np.diff(found, prepend=-1))
        table[found[starts]] += np.add.reduceat(rows[order], starts, axis=0)
