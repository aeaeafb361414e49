"""Rows of a table chosen by number: items of a batch, learned vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import choose
from owlkit.kernels.rows import cuda, reference, threads


@dataclass(frozen=True)
class Rows:
    """count : rows of the table, R. width : values of a row, D. chosen : numbers of a call at most, N."""

    count: int
    width: int
    dtype: str = "float32"
    chosen: int = 1


class Numbers(Protocol):
    """Numbers of rows that come as data, (N,)."""

    def read(self) -> np.ndarray:
        """As they are now, (N,) int64 on the host, all of them in [0, R)."""

    def kept(self) -> np.ndarray:
        """What `read` returned last."""

    def tensor(self) -> Tensor:
        """As they are, N or more of them from the first on, for those who check them elsewhere; float32 where
        the rows are in half precision."""


def make(device: Device, spec: Rows) -> Any:
    """A kernel on the memory of tensors, which is read as rows one after another, with

    take(table, numbers, out) : out[i] = table[numbers[i]]; a number on a GPU that is no row gives NaN.
    add(table, numbers, rows) : table[numbers[i]] += rows[i], also where a number comes again; by the numbers
        of the last `take`.
    """
    found = {"cuda": cuda.RowsKernel, "threads": threads.RowsKernel, "reference": reference.RowsKernel}
    return choose(device, spec, found)
