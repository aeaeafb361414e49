"""Gradients of layers against central differences, in float64; and the checker against a broken layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from owlkit.core.device import Device
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

X = (2, 3, 5, 4)

# body, shapes of the bottoms
LAYERS_TO_CHECK = {
    "pooling_max": ('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 pad: 1 }', X),
    "pooling_max_overlapping": ('type: "Pooling" pooling_param { kernel_size: 3 stride: 2 }', X),
    "pooling_ave": ('type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }', X),
    "pooling_ave_overhang": (
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 }', (2, 3, 6, 4)
    ),
    "pooling_ave_empty": ('type: "Pooling" pooling_param { pool: AVE kernel_size: 1 stride: 2 }', X),
    "pooling_global": ('type: "Pooling" pooling_param { pool: AVE global_pooling: true }', X),
    "lrn_across": ('type: "LRN" lrn_param { local_size: 3 alpha: 2 beta: 0.75 k: 2 }', X),
    "lrn_across_other_beta": ('type: "LRN" lrn_param { local_size: 5 alpha: 1 beta: 0.6 }', X),
    "lrn_one_channel": ('type: "LRN" lrn_param { local_size: 1 alpha: 2 }', X),
    "lrn_wide": ('type: "LRN" lrn_param { local_size: 7 alpha: 2 }', (1, 18, 3, 2)),
    "relu_negative_slope": ('type: "ReLU" relu_param { negative_slope: -0.5 }', X),
    "lrn_within": ('type: "LRN" lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }', X),
    "dropout": ('type: "Dropout" dropout_param { dropout_ratio: 0.3 }', X),
    "batch_norm": ('type: "BatchNorm" batch_norm_param { eps: 0.01 }', X),
    "batch_norm_vectors": ('type: "BatchNorm"', (6, 4)),
    "batch_norm_volume": ('type: "BatchNorm"', (2, 3, 2, 2, 3)),
    "scale": ('type: "Scale" scale_param { bias_term: true filler { type: "gaussian" std: 1 } }', X),
    "scale_rows": ('type: "Scale" scale_param { axis: 2 bias_term: true }', X),
    "scale_two_axes": ('type: "Scale" scale_param { axis: 1 num_axes: 2 bias_term: true }', X),
    "scale_one_number": ('type: "Scale" scale_param { axis: 0 num_axes: 0 bias_term: true }', X),
    "scale_all": ('type: "Scale" scale_param { axis: 0 num_axes: -1 }', X),
    "scale_given": ('type: "Scale" scale_param { axis: 0 }', X, (2, 3)),
    "scale_given_with_bias": ('type: "Scale" scale_param { bias_term: true }', X, (3,)),
    "eltwise_sum": ('type: "Eltwise" eltwise_param { coeff: 0.5 coeff: -2 coeff: 1 }', X, X, X),
    "eltwise_prod": ('type: "Eltwise" eltwise_param { operation: PROD }', X, X, X),
    "eltwise_prod_unstable": (
        'type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }', X, X
    ),
    "eltwise_max": ('type: "Eltwise" eltwise_param { operation: MAX }', X, X),
    "concat": ('type: "Concat"', X, (2, 1, 5, 4), (2, 2, 5, 4)),
    "concat_rows": ('type: "Concat" concat_param { axis: -2 }', X, (2, 3, 1, 4)),
    "flatten": ('type: "Flatten"', X),
    "flatten_part": ('type: "Flatten" flatten_param { axis: 0 end_axis: 1 }', X),
    "reshape": ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 2 dim: 2 } }', X),
}  # fmt: skip
IN_PLACE = ["dropout", "batch_norm", "scale", "scale_given", "scale_rows"]


def _net(name: str, tops: int = 1) -> OneLayer:
    body, *shapes = LAYERS_TO_CHECK[name]
    net = OneLayer(body, *shapes, tops=tops, dtype="float64", seed=7)
    rng = np.random.default_rng(3)
    for blob in net.layer.blobs:
        blob.data[...] = rng.standard_normal(blob.shape)
    return net


@pytest.mark.parametrize("name", LAYERS_TO_CHECK)
def test_gradient(name: str) -> None:
    check_gradients(_net(name))


@pytest.mark.parametrize("name", IN_PLACE)
def test_gradient_in_place(name: str) -> None:
    check_gradients(_net(name), in_place=True)


def test_gradient_with_global_statistics() -> None:
    body = 'type: "BatchNorm" batch_norm_param { use_global_stats: true }'
    net = OneLayer(body, X, dtype="float64")
    mean, variance, scale = net.layer.blobs
    mean.data[...], variance.data[...], scale.data[...] = [1, 0, 2], [2, 3, 1], 2
    check_gradients(net)


def test_gradient_of_split() -> None:
    check_gradients(OneLayer('type: "Split"', X, tops=3, dtype="float64"))


class BrokenTanH(TanH):
    """Forgets the inner derivative where the result is negative."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        negative = top[0].data < 0
        bottom[0].diff[negative] = top[0].diff[negative]


class SilentTanH(TanH):
    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        bottom[0].diff[...] = 0


@pytest.mark.parametrize("broken", [BrokenTanH, SilentTanH])
def test_the_checker_finds_a_broken_layer(broken: type[TanH], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", broken)
    with pytest.raises(AssertionError, match=r"bottom 0\[.*central difference"):
        check_gradients(OneLayer('type: "TanH"', (3, 4), dtype="float64"))


def test_the_checker_tells_a_gradient_that_vanishes() -> None:
    net = OneLayer('type: "ReLU"', -np.ones((3, 4)), dtype="float64")
    with pytest.raises(AssertionError, match="only 0% of the gradient"):
        check_gradients(net)


def test_reference_and_fast_path_agree_in_float32() -> None:
    """The same layer on both implementations, at float32, for all of the above."""
    for name, (body, *shapes) in LAYERS_TO_CHECK.items():
        results = []
        for order in (("onednn", "reference"), ("reference",)):
            net = OneLayer(body, *shapes, seed=7)
            net.layer.prepare(Device("cpu", order), net.bottom, net.top)
            tops = net.forward()
            dy = np.random.default_rng(2).standard_normal(tops[0].shape)
            results.append([*(t.copy() for t in tops), *net.backward(dy)])
        for fast, slow in zip(*results, strict=True):
            np.testing.assert_allclose(fast, slow, 1e-5, 1e-5, err_msg=name)
