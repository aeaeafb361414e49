"""SPP and Im2col: pyramids of odd sizes, windows along any axes."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer


def spp(fields: str, shape: tuple[int, ...]) -> OneLayer:
    return OneLayer(f'type: "SPP" spp_param {{ {fields} }}', shape, dtype="float64")


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("height", "shape"), [(1, (2, 3, 2, 3)), (2, (2, 3, 5, 4)), (3, (2, 2, 7, 11)), (3, (1, 1, 4, 8))]
)
def test_spp_is_pooling_level_by_level(height: int, shape: tuple[int, ...], pool: str) -> None:
    net = spp(f"pyramid_height: {height} pool: {pool}", shape)
    x, parts = net.bottom[0].data, []
    for bins in (2**level for level in range(height)):
        h, w = (-(-side // bins) for side in shape[2:])
        pad_h, pad_w = ((k * bins - side + 1) // 2 for k, side in zip((h, w), shape[2:], strict=True))
        window = f"kernel_h: {h} kernel_w: {w} stride_h: {h} stride_w: {w} pad_h: {pad_h} pad_w: {pad_w}"
        body = f'type: "Pooling" pooling_param {{ pool: {pool} {window} }}'
        (y,) = OneLayer(body, x, dtype="float64").forward()
        assert y.shape == (*shape[:2], bins, bins)
        parts.append(y.reshape(shape[0], -1))
    (y,) = net.forward()
    assert y.shape == ((*shape[:2], 1, 1) if height == 1 else (shape[0], shape[1] * (4**height - 1) // 3))
    np.testing.assert_allclose(y.reshape(shape[0], -1), np.concatenate(parts, axis=1))
    check_gradients(net)


def test_spp_follows_another_size() -> None:
    net = spp("pyramid_height: 2", (2, 3, 8, 8))
    net.forward()
    net.bottom[0].reshape(1, 3, 5, 6)
    net.reshape()
    net.bottom[0].data[...] = np.arange(90).reshape(1, 3, 5, 6)
    np.testing.assert_array_equal(net.forward()[0][0, :3], [29, 59, 89])
    assert net.top[0].shape == (1, 15)


def test_spp_keeps_its_kernels_where_no_shape_has_changed() -> None:
    net = spp("pyramid_height: 2", (2, 3, 8, 8))
    net.layer.reshape(net.bottom, net.top)
    assert net.forward()[0].any()


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ("", (1, 1, 4, 4), "pyramid_height"),
        ("pyramid_height: 0", (1, 1, 4, 4), "at least 1"),
        (
            "pyramid_height: 3",
            (1, 1, 5, 8),
            "5x8 into 4x4 parts, of which some are empty; lower pyramid_height",
        ),
        ("pyramid_height: 1", (2, 3), "needs a bottom with 4 axes"),
    ],
)
def test_spp_tells_mistakes(fields: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(NetError, match=message):
        spp(fields, shape)


def im2col(fields: str, shape: tuple[int, ...]) -> OneLayer:
    return OneLayer(f'type: "Im2col" convolution_param {{ {fields} }}', shape, dtype="float64")


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ("kernel_size: 3", (2, 3, 5, 4)),
        ("kernel_size: 2 stride: 2 pad: 1", (2, 3, 5, 4)),
        ("kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 2 pad_w: 0", (2, 3, 4, 5)),
        ("kernel_size: 2 dilation: 2 pad: 1", (2, 2, 4, 5)),
        ("kernel_size: 2 axis: 2", (2, 3, 2, 5)),
        ("kernel_size: 3 pad: 1 stride: 2", (2, 3, 7)),
        ("kernel_size: 2 kernel_size: 1 kernel_size: 3 pad: 1", (1, 2, 2, 3, 4)),
        ("kernel_size: 2 axis: -2", (2, 3, 5)),
    ],
)
def test_a_product_with_the_columns_is_a_convolution(fields: str, shape: tuple[int, ...]) -> None:
    net = im2col(fields, shape)
    axis = net.top[0].ndim - len(net.layer.window.kernel) - 1  # type: ignore[attr-defined]
    (y,) = net.forward()
    body = f'type: "Convolution" convolution_param {{ {fields} num_output: 2 bias_term: false }}'
    convolution = OneLayer(body, net.bottom[0].data, dtype="float64")
    w = convolution.layer.blobs[0]
    w.data[...] = np.random.default_rng(1).standard_normal(w.shape)
    expected = np.moveaxis(np.tensordot(w.data.reshape(2, -1), y, (1, axis)), 0, axis)
    np.testing.assert_allclose(convolution.forward()[0], expected, atol=1e-12)
    check_gradients(net)


def test_channels_come_before_positions() -> None:
    net = OneLayer(
        'type: "Im2col" convolution_param { kernel_size: 2 }', [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]
    )
    assert net.forward()[0].ravel().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "kernel_size is missing"),
        ("kernel_size: 6", "kernel 6x6 exceeds the padded input 5x4"),
        ("kernel_size: 1 axis: 3", "at least one axis after"),
        ("kernel_size: 1 axis: 4", "outside the 4 axes"),
        ("kernel_size: 1 num_output: 3", "num_output means nothing"),
        ("kernel_size: 1 group: 2", "group means nothing"),
    ],
)
def test_im2col_tells_mistakes(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        im2col(fields, (2, 3, 5, 4))
