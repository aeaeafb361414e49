"""Convolutions in chunks of images, and biases over many rows (on the stand-in)."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.activation.absorbed import Absorbed, make_absorbed
from owlkit.kernels.convolution import Convolution, cuda, make
from owlkit.kernels.cuda.biases import BLOCKS, FEW_ROWS, Biases
from tests.kernels.cases import layout
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def _images() -> Convolution:
    x, y, weights = layout(5, 4, 6, 5), layout(5, 6, 3, 3), (6, 2, 3, 3)
    return Convolution(x, y, weights, (2, 2), (1, 1), (1, 1), group=2, weights_channels_last=True)


def _rows() -> Convolution:
    return Convolution(layout(5, 4, 7), layout(5, 6, 4), (6, 2, 3), (2,), (1,), (1,), 2)


def _results(spec: Convolution) -> tuple[dict[str, np.ndarray], int]:
    """What all three calls give, and how much scratch memory was asked for."""
    device = emulated_gpu.emulated_device()
    device.implementations = ("cuda",)
    rng = np.random.default_rng(3)
    weights = Descriptor(spec.weights, "float32", spec.weights_channels_last)
    tensors = {"x": Tensor(spec.x), "w": Tensor(weights), "b": Tensor(Descriptor((6,))), "dy": Tensor(spec.y)}
    for tensor in tensors.values():
        tensor.array[...] = rng.standard_normal(tensor.shape)
    x, w, b, dy = tensors.values()
    out = {"y": Tensor(spec.y), "dx": Tensor(spec.x), "dw": Tensor(weights), "db": Tensor(Descriptor((6,)))}
    kernel = make(device, spec)
    kernel.forward(x, w, b, out["y"])
    kernel.backward_data(dy, w, out["dx"])
    for accumulate in (False, True):
        kernel.backward_params(x, dy, out["dw"], out["db"], accumulate)
    return {name: tensor.peek() for name, tensor in out.items()}, device.scratch_bytes


@pytest.mark.parametrize("make_spec", [_images, _rows])
def test_chunks_of_images_change_nothing(make_spec: object, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec()  # type: ignore[operator]
    whole, all_bytes = _results(spec)
    monkeypatch.setattr(cuda, "MOST_COLUMNS", all_bytes // 5 * 2)
    parts, bytes_of_two = _results(spec)
    assert bytes_of_two == all_bytes // 5 * 2, "the chunks are of two, two and one image"
    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, 1e-5, 1e-5, err_msg=name)


@pytest.mark.parametrize("channels", [3, 8, 600])
def test_sums_over_many_rows(channels: int) -> None:
    rows = FEW_ROWS + 37
    device = emulated_gpu.emulated_device()
    dy, db = Tensor(Descriptor((rows, channels))), Tensor(Descriptor((channels,)))
    dy.array[...] = np.random.default_rng(1).integers(-9, 9, dy.shape)  # sums are exact
    biases = Biases(device, dy.descriptor)
    for times in (1, 2):
        biases.sum(dy, db, accumulate=times > 1)
        np.testing.assert_array_equal(db.peek(), times * dy.peek().sum(axis=0))
    assert 0 < device.scratch_bytes <= BLOCKS * channels * 4


@pytest.mark.parametrize("rows", [70, FEW_ROWS + 37])
@pytest.mark.parametrize("channels", [3, 8, 600])
def test_relu_and_biases_in_one_pass(channels: int, rows: int) -> None:
    device = emulated_gpu.emulated_device()
    rng = np.random.default_rng(1)
    y, dy, db = (Tensor(Descriptor(shape)) for shape in ((rows, channels), (rows, channels), (channels,)))
    y.array[...] = np.maximum(rng.integers(-2, 3, y.shape), 0)
    kernel = make_absorbed(device, Absorbed(y.descriptor, 1))
    for times in (1, 2):
        gradient = rng.integers(-9, 9, dy.shape)
        before = db.peek().copy() if times > 1 else 0
        dy.array[...] = gradient
        assert kernel.backward(y, dy, db, accumulate=times > 1)
        expected = np.where(y.peek() > 0, gradient, 0)
        np.testing.assert_array_equal(dy.peek(), expected)
        np.testing.assert_array_equal(db.peek(), before + expected.sum(axis=0))
    assert not kernel.backward(y, dy, None, accumulate=False), "no biases: the ReLU alone"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_of_halves_are_single(dtype: str) -> None:
    """Added one by one in these types, ones come to 2,048 and to 256 at most."""
    device = emulated_gpu.emulated_device()
    dy, db = Tensor(Descriptor((4000, 8), dtype)), Tensor(Descriptor((8,), dtype))
    dy.array[...] = 1
    Biases(device, dy.descriptor).sum(dy, db, accumulate=False)
    np.testing.assert_array_equal(db.peek().astype("float32"), 4000)
