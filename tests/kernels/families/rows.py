"""Cases of the kernels that take and add rows by number."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.rows import Rows
from tests.kernels.cases import Case, Values


class Given:
    """Numbers for a kernel: float32 where the rows are in half precision, which cannot hold them."""

    def __init__(self, numbers: np.ndarray, dtype: str) -> None:
        self._numbers = numbers
        self._tensor = Tensor(Descriptor(numbers.shape, wide(dtype)))
        self._tensor.flat[...] = numbers

    def read(self) -> np.ndarray:
        return self._numbers

    def kept(self) -> np.ndarray:
        return self._numbers

    def tensor(self) -> Tensor:
        return self._tensor


def _run(kernel: Any, spec: Rows, values: Values, chosen: int, often: float) -> None:
    table = Descriptor((spec.count, spec.width), spec.dtype)
    some = Descriptor((chosen, spec.width), spec.dtype)
    found = values.rng.integers(0, spec.count, chosen)
    found[values.rng.random(chosen) < often] = spec.count // 2
    numbers = Given(found, spec.dtype)
    kernel.take(values.normal(table), numbers, values.output("taken", some))
    kernel.add(values.watch("sums", values.normal(table)), numbers, values.normal(some))


def _case(name: str, count: int, width: int, chosen: int, tolerance: float = 2e-6, often: float = 0) -> Case:
    """often : how large a part of the numbers is the same, as that of a filling word is."""

    def spec(dtype: str) -> Rows:
        return Rows(count, width, dtype, chosen)

    run = partial(_run, chosen=chosen, often=often)
    return Case(f"rows-{name}", spec, run, fast=False, tolerance=tolerance)


CASES = [
    _case("few", 5, 3, 8),
    _case("none", 5, 3, 0),
    _case("one_number", 1, 6, 9),
    _case("narrow", 40, 16, 300),
    _case("many_numbers", 70_000, 2, 50),
    _case("wide", 30, 700, 20),
    _case("items", 6, 60_000, 10),
    _case("filled_up", 50, 3, 300, often=0.7),
    _case("a_chunk", 2, 5, 64),
    _case("a_chunk_and_one", 1, 5, 65),
    _case("a_block", 600, 1, 1024),
    _case("a_block_and_one", 600, 1, 1025),
    _case("several_blocks", 700, 2, 3_333, often=0.1),
    _case("many", 3, 2, 16_384, tolerance=1e-5),  # thousands of additions, one by one
]
