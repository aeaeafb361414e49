"""What a case of the comparison of kernel implementations is. Cases live in `families/<family>.py`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor


def layout(*shape: int, dtype: str = "float32") -> Descriptor:
    """The descriptor of an activation blob: channels-last where there are four axes."""
    return Descriptor(shape, dtype, len(shape) == 4)


class Values:
    """Tensors with content, the same for every implementation and, where none rounds it, for every dtype.

    What is an output or watched is compared, by its name. Outputs start as NaN, so that what a kernel forgets
    to write is seen.

    dtype : what the content is rounded to, so that one type's rounding of inputs is no error of its kernels.
    """

    def __init__(self, case: str, dtype: str = "float64") -> None:
        self._dtype = dtype
        self.rng = np.random.default_rng(zlib.crc32(case.encode()))
        self.tensors: dict[str, Tensor] = {}
        self.records: dict[str, np.ndarray] = {}

    def normal(self, descriptor: Descriptor, low: float | None = None) -> Tensor:
        """Normal values, or uniform from `low` to `low` + 1; rounded to 1/64: exact in float32, with ties."""
        tensor = Tensor(descriptor)
        values = self.rng.standard_normal(descriptor.shape) if low is None else None
        if values is None:
            values = low + self.rng.random(descriptor.shape)
        tensor.array[...] = (np.round(values * 64) / 64).astype(self._dtype)
        return tensor

    def output(self, name: str, descriptor: Descriptor) -> Tensor:
        tensor = Tensor(descriptor)
        tensor.flat[...] = np.nan
        self.tensors[name] = tensor
        return tensor

    def watch(self, name: str, tensor: Tensor) -> Tensor:
        """Compare a tensor that is changed in place."""
        self.tensors[name] = tensor
        return tensor

    @property
    def outputs(self) -> dict[str, np.ndarray]:
        """What was written so far, by name."""
        return {name: tensor.array for name, tensor in self.tensors.items()} | self.records

    def record(self, name: str, values: np.ndarray) -> None:
        """Compare what the kernel returned."""
        self.records[name] = np.array(values)


@dataclass(frozen=True)
class Case:
    """One operation for one set of shapes.

    name : "<family>-<what is special>"; the family's module is imported by it.
    spec : dtype -> the family's dataclass.
    run : (kernel, spec, Values) -> None; makes inputs and named outputs by the Values and calls the kernel.
    fast : whether oneDNN must serve it in float32 (a fast path that is lost fails the test); False where a
        family has no oneDNN.
    make : (device, spec) -> kernel; by default the family's own `make`.
    host_only : whether implementations for GPUs are left out: they refuse it, or draw other random numbers.
    tolerance : of float32 against the reference in float64, relative and absolute to the largest value.
    """

    name: str
    spec: Callable[[str], Any]
    run: Callable[[Any, Any, Values], None] = field(repr=False)
    fast: bool = True
    tolerance: float = 2e-6
    make: Callable[[Any, Any], Any] | None = None
    host_only: bool = False

    @property
    def family(self) -> str:
        return self.name.split("-")[0]
