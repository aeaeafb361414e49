"""Rows by number by our CUDA kernels, which check the numbers too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.rows import Numbers, Rows

MANY = 16_384  # items from which sums are made in any order, unless the device is deterministic
_THREADS = 128


class RowsKernel:
    def __init__(self, device: GpuDevice, spec: Rows) -> None:
        check_count(Descriptor((spec.count, spec.width)), Descriptor((spec.chosen, spec.width)))
        self._device, self._spec = device, spec
        self._run = math.gcd(spec.width, pack(spec.dtype))
        # Sums that are made in memory would be rounded to half precision at every step.
        self._any_order = not device.deterministic and spec.dtype in ("float32", "float64")
        self._function = program(device, "rows/rows.cu", spec.dtype, VEC=self._run).function

    def take(self, table: Tensor, numbers: Numbers, out: Tensor) -> None:
        runs = self._spec.width // self._run
        given, count = numbers.tensor(), out.descriptor.count // self._run
        self._function("take").each(count, table, given, out, self._spec.count, runs)

    def add(self, table: Tensor, numbers: Numbers, rows: Tensor) -> None:
        given, count, width = numbers.tensor(), self._spec.count, self._spec.width
        items = rows.descriptor.count // max(width, 1)
        if self._any_order and items >= MANY:
            add = self._function("add_in_any_order")
            add.each(rows.descriptor.count, given, rows, table, count, width)
        elif items:
            grid = (items, -(-width // _THREADS), 1)
            self._function("add").launch(grid, (_THREADS, 1, 1), (given, rows, table, items, count, width))
