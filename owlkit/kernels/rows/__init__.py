"""Rows of a table chosen by number: items of a batch, learned vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.kernels import choose
from owlkit.kernels.rows import reference, threads


@dataclass(frozen=True)
class Rows:
    """count : rows of the table, R. width : values of a row, D."""

    count: int
    width: int
    dtype: str = "float32"


def make(device: Device, spec: Rows) -> Any:
    """A kernel on arrays in C order, with

    take(table, numbers, out) : out[i] = table[numbers[i]]; table (R, D), out (N, D), numbers (N,) int64 in
        [0, R), which the caller has checked.
    add(table, numbers, rows) : table[numbers[i]] += rows[i], also where a number comes again.
    """
    return choose(device, spec, {"threads": threads.RowsKernel, "reference": reference.RowsKernel})
