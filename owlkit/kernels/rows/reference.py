"""Rows by number in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.rows import Numbers, Rows


class RowsKernel:
    def __init__(self, device: Device, spec: Rows) -> None:
        self.spec = spec

    def take(self, table: Tensor, numbers: Numbers, out: Tensor) -> None:
        width = self.spec.width
        out.flat.reshape(-1, width)[...] = table.flat.reshape(-1, width)[numbers.read()]

    def add(self, table: Tensor, numbers: Numbers, rows: Tensor) -> None:
        width = self.spec.width
        np.add.at(table.flat.reshape(-1, width), numbers.kept(), rows.flat.reshape(-1, width))
