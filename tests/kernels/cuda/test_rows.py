"""Rows added by number on the stand-in: in one order, and without comparing all numbers with all."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.rows import Rows, make
from tests.kernels.families.rows import Given
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def added(numbers: np.ndarray, count: int, rows: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(the table, made of zeros, with the rows added; the kernels that were launched)."""
    device = emulated_gpu.emulated_device()
    kernel = make(device, Rows(count, rows.shape[1], chosen=len(numbers)))
    table, given = Tensor(Descriptor((count, rows.shape[1]))), Tensor(Descriptor(rows.shape))
    given.array[...] = rows
    kernel.add(table, Given(numbers, "float32"), given)
    return table.array, device.gpu.driver.launched


@pytest.mark.parametrize(("items", "merges"), [(10, 0), (1024, 0), (1025, 1), (5000, 3), (16_385, 5)])
def test_sorting_takes_a_launch_for_each_doubling(items: int, merges: int) -> None:
    numbers = np.random.default_rng(0).permutation(items)
    rows = np.arange(items, dtype=np.float32).reshape(-1, 1)
    table, launched = added(numbers, items, rows)
    np.testing.assert_array_equal(table[numbers], rows)
    continued = ["add_continued"] if items > 64 else []
    assert launched == ["sort_blocks", *["merge"] * merges, *continued, "add"]


def test_the_order_of_a_sum_depends_on_nothing_but_the_items() -> None:
    """Rounding shows it: the same rows under another number have the same sum to the last bit."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((900, 3)).astype(np.float32)
    sums = [added(np.full(900, number), 4, rows)[0][number] for number in (0, 3)]
    np.testing.assert_array_equal(sums[0], sums[1])
    np.testing.assert_allclose(sums[0], rows.sum(axis=0, dtype=np.float64), 1e-5)


def test_numbers_that_are_no_rows_add_nothing() -> None:
    """Where they are, and that they are wrong, is told by the layer."""
    numbers = np.array([1, -1, 4, np.nan, 0.5, 1, np.inf])
    table, _ = added(numbers, 4, np.ones((7, 2), np.float32))
    np.testing.assert_array_equal(table, [[0, 0], [2, 2], [0, 0], [0, 0]])
