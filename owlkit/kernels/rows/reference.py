"""Rows by number in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device

if TYPE_CHECKING:
    from owlkit.kernels.rows import Rows


class RowsKernel:
    def __init__(self, device: Device, spec: Rows) -> None:
        self.spec = spec

    def take(self, table: np.ndarray, numbers: np.ndarray, out: np.ndarray) -> None:
        out[...] = table[numbers]

    def add(self, table: np.ndarray, numbers: np.ndarray, rows: np.ndarray) -> None:
        np.add.at(table, numbers, rows)
