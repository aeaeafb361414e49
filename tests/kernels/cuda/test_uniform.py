"""Uniform random numbers on a GPU (the stand-in), and stochastic pooling that draws by them."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.uniform import Uniform
from owlkit.kernels.pooling import Stochastic, make_stochastic
from tests.kernels.cases import layout
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
COUNT = 100_003


def _numbers(seed: int = 1) -> tuple[Uniform, Tensor]:
    numbers = Uniform(emulated_gpu.emulated_device())
    numbers.restore({}, np.random.default_rng(seed))
    return numbers, Tensor(Descriptor((COUNT,)))


def _drawn(numbers: Uniform, values: Tensor) -> np.ndarray:
    numbers.draw(values)
    return values.peek().copy()


def test_numbers_are_uniform_and_never_zero() -> None:
    numbers, values = _numbers()
    first, second = _drawn(numbers, values), _drawn(numbers, values)
    for drawn in (first, second):
        assert 0 < drawn.min() < 1e-4
        assert 1 - 1e-4 < drawn.max() <= 1
        shares = np.histogram(drawn, 20, (0, 1))[0] / COUNT
        assert abs(shares - 0.05).max() < 5 * (0.05 * 0.95 / COUNT) ** 0.5
        assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 5 / COUNT**0.5
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / COUNT**0.5


def test_numbers_go_on_where_they_stood() -> None:
    numbers, values = _numbers()
    _drawn(numbers, values)
    state = numbers.state()
    expected = _drawn(numbers, values)
    other, target = _numbers(seed=2)
    assert not np.array_equal(_drawn(other, target), expected)
    other.restore(state, np.random.default_rng(2))
    np.testing.assert_array_equal(_drawn(other, target), expected)


def test_values_are_drawn_in_proportion() -> None:
    """A window of 1, 2, 3 and 4 gives each with a probability of a tenth of it."""
    device = emulated_gpu.emulated_device()
    spec = Stochastic((2, 2), (2, 2), layout(1, 8, 100, 100), layout(1, 8, 50, 50), draws=True)
    kernel = make_stochastic(device, spec)
    kernel.restore({}, np.random.default_rng(4))
    x, y = Tensor(spec.x), Tensor(spec.y)
    x.array[...] = np.tile([[1.0, 2.0], [3.0, 4.0]], (50, 50))
    kernel.draw(np.random.default_rng(0))
    kernel.forward(x, y)
    values, counts = np.unique(y.peek(), return_counts=True)
    assert values.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(counts / y.descriptor.count, values / 10, atol=0.02)
