"""Rows by number by our CUDA kernels, which check the numbers too. Sums have one order, in every run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, pack, program
from owlkit.kernels.cuda.totals import accumulator

if TYPE_CHECKING:
    from owlkit.kernels.rows import Numbers, Rows

SORTED, CHUNK = 1024, 64  # as in rows.cu
_KEY = 8  # bytes


class RowsKernel:
    """`add` sorts the items by their numbers, in scratch memory: two arrays of keys, then sums of chunks."""

    def __init__(self, device: GpuDevice, spec: Rows) -> None:
        check_count(Descriptor((spec.count, spec.width)), Descriptor((spec.chosen, spec.width)))
        self._device, self._spec = device, spec
        self._run = math.gcd(spec.width, pack(spec.dtype))
        self._function = program(device, "rows/rows.cu", spec.dtype, VEC=self._run).function
        sums = _chunks(spec.chosen) * spec.width * np.dtype(accumulator(spec.dtype)).itemsize
        device.reserve_scratch(2 * _KEY * spec.chosen + sums)

    def take(self, table: Tensor, numbers: Numbers, out: Tensor) -> None:
        runs = self._spec.width // self._run
        given, count = numbers.tensor(), out.descriptor.count // self._run
        self._function("take").each(count, table, given, out, self._spec.count, runs)

    def add(self, table: Tensor, numbers: Numbers, rows: Tensor) -> None:
        count, width = self._spec.count, self._spec.width
        items = rows.descriptor.count // max(width, 1)
        if not items:
            return
        scratch = self._device.workspace()
        keys = self._sort(numbers.tensor(), items, scratch)
        continued = scratch + 2 * _KEY * items
        more = _chunks(items) * width
        self._function("add_continued").each(more, keys, rows, continued, items, width)
        self._function("add").each(items * width, keys, rows, continued, table, items, count, width)

    def _sort(self, given: Tensor, items: int, scratch: int) -> int:
        """The address of the keys in order: sorted in blocks, which are merged two by two."""
        keys, other = scratch, scratch + _KEY * items
        blocks = -(-items // SORTED)
        self._function("sort_blocks").blocks(blocks, given, keys, items, self._spec.count, threads=SORTED)
        run = SORTED
        while run < items:
            self._function("merge").each(items, keys, other, run)
            keys, other, run = other, keys, 2 * run
        return keys


def _chunks(items: int) -> int:
    """Chunks but the first."""
    return max(-(-items // CHUNK) - 1, 0)
