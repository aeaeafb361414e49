"""Pooling: Caffe's rules for sizes, and the mistakes it tells."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer


def pooling(
    fields: str, shape: tuple[int, ...] = (2, 3, 7, 9), tops: int = 1, dtype: str = "float32"
) -> OneLayer:
    return OneLayer(f'type: "Pooling" pooling_param {{ {fields} }}', shape, tops=tops, dtype=dtype)


@pytest.mark.parametrize(
    ("fields", "size", "expected"),
    [
        ("kernel_size: 2 stride: 2", (7, 9), (4, 5)),  # rounded up
        ("kernel_size: 2 stride: 2 round_mode: FLOOR", (7, 9), (3, 4)),
        ("kernel_size: 2 stride: 2 pad: 1", (5, 6), (3, 4)),  # a last window in the padding is dropped
        ("kernel_size: 3 stride: 2", (112, 112), (56, 56)),
        ("kernel_h: 2 kernel_w: 4 stride_h: 3 stride_w: 2 pad_h: 1 pad_w: 3", (7, 9), (3, 6)),
        ("pool: AVE global_pooling: true", (7, 9), (1, 1)),
        ("kernel_size: 3 stride: 2", (2, 2), (1, 1)),  # larger than the input, but not by a stride
    ],
)
def test_output_size(fields: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert pooling(fields, (1, 2, *size)).top[0].shape == (1, 2, *expected)


def test_gradient_goes_to_the_first_of_equal_maxima() -> None:
    net = pooling("kernel_size: 2", (1, 1, 2, 2))
    net.bottom[0].data[...] = 3
    net.forward()
    assert net.backward(1)[0].ravel().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_empty_window_has_no_gradient(dtype: str) -> None:
    net = pooling("kernel_size: 2 stride: 3", (1, 1, 9, 9), dtype=dtype)
    (y,) = net.forward()
    assert y.shape == (1, 1, 4, 4)
    assert (y[:, :, 3] == -np.finfo(np.float32).max).all()
    (dx,) = net.backward(1)
    assert dx.sum() == 9


def test_average_of_an_empty_window_is_zero() -> None:
    (y,) = pooling("pool: AVE kernel_size: 2 stride: 3", (1, 1, 9, 9)).forward()
    assert (y[:, :, 3] == 0).all()
    assert (y[:, :, :3, :3] != 0).all()


def test_global_pooling_follows_the_size_of_the_input() -> None:
    net = pooling("pool: AVE global_pooling: true")
    net.bottom[0].reshape(2, 3, 4, 4)
    net.reshape()
    net.bottom[0].data[...] = np.arange(16).reshape(4, 4)
    np.testing.assert_allclose(net.forward()[0], 7.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "the kernel's size is missing"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "either kernel_size, or both kernel_h and kernel_w"),
        ("kernel_h: 2", "either kernel_size, or both"),
        ("kernel_size: 2 stride: 1 stride_h: 1 stride_w: 1", "either stride, or both"),
        ("kernel_size: 0", "is empty"),
        ("kernel_size: 2 stride: 0", "stride is 0"),
        ("kernel_size: 2 pad: 2", "not smaller than the kernel"),
        ("kernel_size: 9 stride: 1", r"exceeds the padded input.*b0.*\(2, 3, 7, 9\)"),
        ("global_pooling: true kernel_size: 2", "remove the kernel's size"),
        ("global_pooling: true pad: 1", "pad 0 and stride 1"),
    ],
)
def test_mistakes_are_told(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        pooling(fields)


def test_indices_are_for_max_only() -> None:
    with pytest.raises(NetError, match="only MAX pooling has a second top"):
        pooling("pool: AVE kernel_size: 2", tops=2)


def test_needs_four_axes() -> None:
    with pytest.raises(NetError, match="4 axes"):
        pooling("kernel_size: 2", (2, 3, 7))
