"""What lies at the addresses that are given to a kernel or a product: a type that does not fit is an error.

A GPU would read half of the values, or past their end, and say nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from owlkit.core.gpu.gpu import Gpu
from owlkit.core.tensor import Tensor


class Pointers(threading.local):
    """Addresses that the thread has asked for since its last call, each with the tensor's dtype."""

    def __init__(self) -> None:
        self._dtypes: dict[int, str] = {}

    def add(self, pointer: int, dtype: str) -> None:
        self._dtypes[pointer] = dtype

    def check(self, name: str, wanted: Sequence[str], given: Sequence[Any]) -> None:
        """AssertionError where a tensor's dtype is not what the parameter points to ("": anything)."""
        for number, (dtype, value) in enumerate(zip(wanted, given, strict=True)):
            found = self._dtypes.get(int(value)) if dtype else None
            assert found in (None, dtype), f"{name}: parameter {number} points to {dtype}, not to {found}"

    def forget(self) -> None:
        """After a call: its memory may be another's by the next."""
        self._dtypes.clear()


class EmulatedGpu(Gpu):
    """Tells its driver which types lie where."""

    def pointer(self, tensor: Tensor, *, reads: bool, writes: bool) -> int:
        found = super().pointer(tensor, reads=reads, writes=writes)
        self.driver.pointers.add(found, tensor.dtype)  # type: ignore[attr-defined]
        return found
