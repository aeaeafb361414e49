"""For images of ever new sizes no programs are compiled that would be kept for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from owlkit.core.device import Device, resolve_device
from owlkit.core.tensor import Tensor
from owlkit.kernels import im2col, pooling
from owlkit.kernels.cuda.columns import _divisions
from tests.kernels.cases import layout
from tests.support import emulated_gpu

needs_compiler = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
RNG = np.random.default_rng(0)


def test_division_by_a_product_and_a_shift() -> None:
    """As the kernels do it in unsigned numbers of 32 bits, up to the largest index."""
    lengths = [*range(1, 300), 511, 512, 513, 65535, 65536, 65537, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 1]
    numbers = np.concatenate([RNG.integers(0, 2**31, 200), [0, 1, 2**31 - 2, 2**31 - 1]]).astype(np.uint64)
    for length in lengths:
        factor, shift = _divisions([length])
        assert 0 < factor < 2**32
        near = np.array([m * length + d for m in (1, 2, 3, (2**31 - 1) // length) for d in (-1, 0, 1)])
        values = np.concatenate([numbers, near[(near >= 0) & (near < 2**31)].astype(np.uint64)])
        sums = ((values * np.uint64(factor)) >> np.uint64(32)) + values
        assert (sums < 2**32).all()
        np.testing.assert_array_equal(sums >> np.uint64(shift), values // np.uint64(length))


def _tensor(shape: tuple[int, ...], values: np.ndarray | None = None) -> Tensor:
    tensor = Tensor(layout(*shape))
    tensor.array[...] = RNG.standard_normal(shape) if values is None else values
    return tensor


def _pooled(device: Device, method: str, values: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, ...]:
    n, channels, *size = values.shape
    x, y, dx = _tensor(values.shape, values), _tensor((n, channels, 1, 1)), _tensor(values.shape)
    spec = pooling.Pooling(method, tuple(size), (1, 1), (0, 0), x.descriptor, y.descriptor)
    kernel: Any = pooling.make(device, spec)
    kernel.forward(x, y, None)
    kernel.backward(_tensor(y.shape, dy), dx)
    return y.peek(), dx.peek()


@needs_compiler
@pytest.mark.parametrize("method", ["max", "ave"])
def test_global_pooling_of_many_sizes(method: str) -> None:
    device, cpu = emulated_gpu.emulated_device(), resolve_device("cpu")
    programs = []
    for size in ((17, 20), (31, 18), (32, 32), (24, 29)):
        values, dy = RNG.standard_normal((2, 5, *size)).astype(np.float32), RNG.standard_normal((2, 5, 1, 1))
        for found, expected in zip(
            _pooled(device, method, values, dy), _pooled(cpu, method, values, dy), strict=True
        ):
            np.testing.assert_allclose(found, expected, 1e-4, 1e-5)
        programs.append(len(device.gpu.programs))
    assert len(set(programs)) == 1


def _columns(device: Device, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = values.shape[2] - 2
    x, y, dx = _tensor(values.shape, values), _tensor((2, 9, length)), _tensor(values.shape)
    kernel: Any = im2col.make(device, im2col.Im2col(x.descriptor, y.descriptor, 1, (3,), (1,), (0,), (1,)))
    kernel.forward(x, y)
    kernel.backward(y, dx)
    return y.peek(), dx.peek()


@needs_compiler
def test_columns_of_many_sizes() -> None:
    device, cpu = emulated_gpu.emulated_device(), resolve_device("cpu")
    programs = []
    for length in (7, 8, 11, 64):
        values = RNG.standard_normal((2, 3, length)).astype(np.float32)
        for found, expected in zip(_columns(device, values), _columns(cpu, values), strict=True):
            np.testing.assert_allclose(found, expected, 1e-5, 1e-6)
        programs.append(len(device.gpu.programs))
    assert len(set(programs)) == 1


@needs_compiler
@pytest.mark.parametrize("method", ["MAX", "AVE", "STOCHASTIC"])
def test_a_spatial_pyramid_of_many_sizes(method: str) -> None:
    """Its windows follow the size: each pair of these would be another program."""
    device = emulated_gpu.emulated_device()
    n = NetSpec("pyramid", force_backward=True)
    n.x = L.Input(shape=dict(dim=[2, 5, 16, 20]))
    n.y = L.SPP(n.x, spp_param=dict(pyramid_height=3, pool=getattr(P.SPP, method)), loss_weight=1)
    ours, theirs = (Net(n, phase="test", device=place, seed=1) for place in (device, "cpu"))
    programs = []
    for size in ((16, 20), (32, 12), (24, 28), (40, 16)):
        values = RNG.random((2, 5, *size), np.float32)
        for net in (ours, theirs):
            net.blobs["x"].reshape(2, 5, *size)
            net.forward(x=values)
            net.backward()
        for role in ("data", "diff"):
            found, expected = (net.blobs["y" if role == "data" else "x"].peek(role) for net in (ours, theirs))
            np.testing.assert_allclose(found, expected, 1e-4, 1e-5)
        programs.append(len(device.gpu.programs))
    assert len(set(programs)) == 1
