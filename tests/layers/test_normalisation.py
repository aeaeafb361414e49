"""BatchNorm, Scale, LRN and Dropout: what the golden cases do not show."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.layers import create
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.one_layer import OneLayer

X = (4, 16, 5, 3)


# -- BatchNorm
def test_statistics_are_not_learned() -> None:
    net = OneLayer('type: "BatchNorm"', X)
    assert [spec.lr_mult for spec in net.param.param] == [0, 0, 0]
    with pytest.raises(NetError, match="statistics are not learned"):
        OneLayer('type: "BatchNorm" param { lr_mult: 1 }', X)


def test_nothing_seen_yet_reads_zero_statistics() -> None:
    net = OneLayer('type: "BatchNorm" batch_norm_param { eps: 0.25 }', X, phase="test")
    np.testing.assert_allclose(net.forward()[0], net.bottom[0].data * 2, rtol=1e-6)


def test_one_axis_is_an_error() -> None:
    with pytest.raises(NetError, match="at least two axes"):
        OneLayer('type: "BatchNorm"', (7,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("phase", ["train", "test"])
def test_absorbed_scale_and_relu_change_no_number(phase: str, bias: bool, dtype: str) -> None:
    """BatchNorm, Scale and ReLU by themselves, and as one kernel; gradients twice, so that they add up."""
    rng = np.random.default_rng(1)
    follower = f'type: "Scale" scale_param {{ bias_term: {str(bias).lower()} }}'
    apart = [OneLayer('type: "BatchNorm"', X, phase=phase, dtype=dtype)]
    apart.append(OneLayer(follower, X, dtype=dtype))
    apart.append(OneLayer('type: "ReLU"', X, dtype=dtype))
    fused = OneLayer('type: "BatchNorm"', X, phase=phase, dtype=dtype)
    scale = OneLayer(follower, X, dtype=dtype).layer
    relu = create(parse('name: "r" type: "ReLU"', caffe_pb2.LayerParameter), phase)
    relu.setup(fused.top, fused.top)
    for mine, theirs in zip(apart[1].layer.blobs, scale.blobs, strict=True):
        mine.data[...] = theirs.data[...] = rng.standard_normal(mine.shape)
    for blob in [*apart[0].layer.blobs, *fused.layer.blobs]:
        blob.data[...] = 0.5
    assert fused.layer.absorb(scale)
    assert fused.layer.absorb(relu)
    assert not fused.layer.absorb(relu)
    fused.reshape()
    fused.bottom[0].data[...] = value = apart[0].bottom[0].data
    for net in apart:
        net.bottom[0].data[...] = value
        value = net.forward()[0]
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(fused.forward()[0], value, tolerance, tolerance)
    for blob in [*scale.blobs, *apart[1].layer.blobs]:
        blob.clear_diff()
    for _ in range(2):
        grad = dy = rng.standard_normal(X)
        for net in reversed(apart):
            (grad,) = net.backward(grad)
        (found,) = fused.backward(dy)
        np.testing.assert_allclose(found, grad, tolerance, tolerance)
    for mine, theirs in zip(apart[1].layer.blobs, scale.blobs, strict=True):
        np.testing.assert_allclose(theirs.diff, mine.diff, tolerance * 10, tolerance * 100)
    for mine, theirs in zip(apart[0].layer.blobs, fused.layer.blobs, strict=True):
        np.testing.assert_allclose(theirs.data, mine.data, tolerance)


def test_a_scale_of_other_axes_is_not_absorbed() -> None:
    norm = OneLayer('type: "BatchNorm"', X).layer
    assert not norm.absorb(OneLayer('type: "Scale" scale_param { axis: 2 }', X).layer)
    assert not norm.absorb(OneLayer('type: "Scale"', X, (16,)).layer)


# -- Scale
@pytest.mark.parametrize(
    ("fields", "message"),
    [("axis: 4", "axis"), ("axis: 3 num_axes: 2", "exceed the bottom's"), ("num_axes: -2", "num_axes is -2")],
)
def test_scale_tells_mistakes(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Scale" scale_param {{ {fields} }}', X)


def test_scale_starts_with_one_and_zero() -> None:
    net = OneLayer('type: "Scale" scale_param { bias_term: true }', X)
    assert (net.layer.fillers[0].type, net.layer.fillers[0].value) == ("constant", 1)
    assert net.layer.fillers[1] is None


def test_given_scale_of_a_wrong_shape_is_an_error() -> None:
    with pytest.raises(NetError, match="scales"):
        OneLayer('type: "Scale"', X, (5,))


# -- LRN
def test_lrn_needs_a_middle() -> None:
    with pytest.raises(NetError, match="local_size is 4, but must be odd"):
        OneLayer('type: "LRN" lrn_param { local_size: 4 }', X)


# -- Dropout
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.7])
def test_dropout_keeps_the_mean(ratio: float) -> None:
    net = OneLayer(f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}', np.ones((200, 500)))
    (y,) = net.forward()
    assert np.count_nonzero(y) / y.size == pytest.approx(1 - ratio, abs=0.01)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - ratio), rtol=1e-6)
    first = y.copy()
    assert (net.forward()[0] != first).any()
    np.testing.assert_array_equal(net.backward(1)[0], net.top[0].data)


def test_dropout_does_nothing_in_test() -> None:
    net = OneLayer('type: "Dropout"', X, phase="test")
    np.testing.assert_array_equal(net.forward()[0], net.bottom[0].data)
    assert (net.backward(2)[0] == 2).all()


def test_dropout_draws_with_every_generator() -> None:
    """The old generator gives 32 random bits in words of 64."""
    net = OneLayer('type: "Dropout"', np.ones((100, 100)))
    net.layer.rng = np.random.Generator(np.random.MT19937(0))
    assert np.count_nonzero(net.forward()[0]) / 1e4 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("ratio", [-0.1, 1.0])
def test_dropout_ratio_must_leave_something(ratio: float) -> None:
    with pytest.raises(NetError, match="at least 0 and below 1"):
        OneLayer(f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}', X)
