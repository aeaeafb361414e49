"""Deconvolution: gradients, upsampling, and the mistakes it tells. Caffe's results are in test_golden."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.core.fillers import fill
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

OPTIONS = {
    "plain": ("num_output: 2 kernel_size: 3", (2, 3, 3, 4)),
    "stride_pad": ("num_output: 2 kernel_size: 4 stride: 2 pad: 1", (2, 3, 3, 4)),
    "groups": ("num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2", (2, 6, 3, 4)),
    "dilated": ("num_output: 2 kernel_size: 2 dilation: 2", (2, 3, 3, 4)),
    "no_bias": ("num_output: 2 kernel_size: 3 bias_term: false", (2, 3, 3, 4)),
    "row": ("num_output: 2 kernel_size: 3 stride: 2", (2, 3, 4)),
    "volume": ("num_output: 2 kernel_size: 2 stride: 2", (1, 2, 2, 3, 2)),
    "axis": ("num_output: 2 kernel_size: 3 axis: -2", (2, 2, 3, 4)),
    "pointwise": ("num_output: 2 kernel_size: 1", (2, 3, 3, 4)),
    "two_bottoms": ("num_output: 2 kernel_size: 3", (2, 3, 3, 4), (1, 3, 2, 2)),
}


def _net(name: str, dtype: str) -> OneLayer:
    fields, *shapes = OPTIONS[name]
    body = f'type: "Deconvolution" convolution_param {{ {fields} }}'
    net = OneLayer(body, *shapes, tops=len(shapes), dtype=dtype)
    rng = np.random.default_rng(3)
    for blob in net.layer.blobs:
        blob.data[...] = rng.standard_normal(blob.shape)
    return net


@pytest.mark.parametrize("name", OPTIONS)
def test_gradient(name: str) -> None:
    check_gradients(_net(name, "float64"))


@pytest.mark.parametrize("name", OPTIONS)
def test_float32_agrees_with_float64(name: str) -> None:
    results = []
    for dtype in ("float32", "float64"):
        net = _net(name, dtype)
        tops = [top.copy() for top in net.forward()]
        rng = np.random.default_rng(2)
        diffs = net.backward(*[rng.standard_normal(top.shape) for top in tops])
        results.append([*tops, *diffs, *(blob.diff for blob in net.layer.blobs)])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, 1e-5, 1e-5)


def test_it_is_the_adjoint_of_convolution() -> None:
    """<conv(y), x> = <y, deconv(x)> with the same w, whose axes both read in the same order."""
    fields = "kernel_size: 3 stride: 2 pad: 1 bias_term: false"
    down = OneLayer(f'type: "Convolution" convolution_param {{ num_output: 4 {fields} }}', (2, 3, 7, 5))
    up = OneLayer(f'type: "Deconvolution" convolution_param {{ num_output: 3 {fields} }}', (2, 4, 4, 3))
    assert up.layer.blobs[0].shape == down.layer.blobs[0].shape
    for layer in (down.layer, up.layer):
        layer.blobs[0].data[...] = np.random.default_rng(1).standard_normal(layer.blobs[0].shape)
    left = (down.forward()[0] * up.bottom[0].data).sum()
    assert left == pytest.approx((down.bottom[0].data * up.forward()[0]).sum(), rel=1e-4)


def test_bilinear_weights_keep_a_constant_image_inside() -> None:
    fields = 'num_output: 3 group: 3 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "bilinear" }'
    net = OneLayer(f'type: "Deconvolution" convolution_param {{ {fields} }}', np.ones((1, 3, 5, 6)))
    fill(net.layer.blobs[0].data, net.layer.fillers[0], net.layer.rng)
    (y,) = net.forward()
    assert y.shape == (1, 3, 10, 12)
    np.testing.assert_allclose(y[:, :, 1:-1, 1:-1], 1, rtol=1e-6)


def test_bottom_without_gradient_is_left_alone() -> None:
    net = _net("stride_pad", "float32")
    (y,) = net.forward()
    (dx,) = net.backward(np.ones_like(y), propagate_down=[False])
    assert np.isnan(dx).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("kernel_size: 3", "num_output is missing"),
        ("num_output: 2 kernel_size: 1 pad: 2", "output would have spatial size"),
        ("num_output: 2 kernel_size: 3 group: 2", "3 bottom channels cannot be split into 2 groups"),
        ("num_output: 2 kernel_size: 3 axis: 4", "axis 4 is outside"),
    ],
)
def test_mistakes_are_told(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Deconvolution" convolution_param {{ {fields} }}', (2, 3, 3, 4))
