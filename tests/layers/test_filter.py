"""Filter: the tops' length depends on data, and what follows has to follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

FOLLOWED = """
layer { name: "in" type: "Input" top: "x" top: "label" top: "s"
        input_param { shape { dim: 5 dim: 3 dim: 4 dim: 4 } shape { dim: 5 } shape { dim: 5 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "keep" type: "Filter" bottom: "conv" bottom: "label" bottom: "s" top: "kept" top: "kept_label" }
layer { name: "norm" type: "BatchNorm" bottom: "kept" top: "kept" }
layer { name: "relu" type: "ReLU" bottom: "kept" top: "kept" }
layer { name: "ip" type: "InnerProduct" bottom: "kept" top: "ip"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "kept_label" top: "loss"
        propagate_down: true propagate_down: false }
"""


def net(definition: str, **options: Any) -> Net:
    made = Net(parse(definition, caffe_pb2.NetParameter), phase="train", seed=3, **options)
    rng = np.random.default_rng(4)
    made.blobs["x"].data[...] = rng.standard_normal(made.blobs["x"].shape)
    made.blobs["label"].data[...] = np.array([0, 2, 1, 1, 0])[: made.batch_size]
    return made


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 3, 2, 4)])
@pytest.mark.parametrize("selector", [[1, 0, 0, 2, 1], [0, -0.5, 0, 0, 0], [1, 1, 1, 1, 1], [0] * 5])
def test_filter(selector: list[float], shape: tuple[int, ...]) -> None:
    one = OneLayer('type: "Filter"', shape, (5, 2), selector, tops=2, dtype="float64")
    x, chosen = one.bottom[0].data.copy(), np.array(selector) != 0
    assert one.top[0].shape == shape
    y, z = one.forward()
    np.testing.assert_array_equal(y, x[chosen])
    np.testing.assert_array_equal(z, one.bottom[1].data[chosen])
    dx, dz, _ = one.backward(y, z)
    np.testing.assert_array_equal(dx[chosen], y)
    assert not dx[~chosen].any()
    assert not dz[~chosen].any()


def test_gradient_of_filter() -> None:
    one = OneLayer('type: "Filter"', (5, 3), (5, 2), [1, 0, 0, 1, 1], tops=2, dtype="float64")
    one.forward()
    check_gradients(one)


def test_filter_writes_only_the_gradients_that_are_wanted() -> None:
    one = OneLayer('type: "Filter"', (2, 3), (2, 2), [1, 0], tops=2)
    one.forward()
    dx, dz, _ = one.backward(1, 1, propagate_down=[False, True, False])
    assert np.isnan(dx).all()
    assert dz.tolist() == [[1, 1], [0, 0]]


def test_filter_tells_mistakes() -> None:
    with pytest.raises(NetError, match="3 bottoms need 2 tops"):
        OneLayer('type: "Filter"', (5, 3), (5, 2), (5,))
    with pytest.raises(NetError, match=r"must have the shape \(N,\)"):
        OneLayer('type: "Filter"', (5, 3), (5, 2))
    with pytest.raises(NetError, match="4 values of 'b1' cannot select"):
        OneLayer('type: "Filter"', (5, 3), (4,))
    one = OneLayer('type: "Filter"', (5, 3), (5,))
    one.forward()
    with pytest.raises(NetError, match="cannot backpropagate to what selects"):
        one.backward(1, propagate_down=[True, True])


@pytest.mark.parametrize("fuse", [True, False])
def test_what_follows_a_filter_follows_its_shape(fuse: bool) -> None:
    """Every pass as a net without Filter gives, that is fed with the selected items only."""
    whole = net(FOLLOWED, fuse=fuse, dtype="float64")
    for selector in ([1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 1]):
        chosen = np.array(selector) != 0
        whole.clear_param_diffs()
        whole.forward(s=np.array(selector))
        whole.backward()
        assert whole.blobs["ip"].shape == (chosen.sum(), 3)
        other = net(without_filter(int(chosen.sum())), dtype="float64")
        other.copy_from(whole.to_proto())
        other.blobs["x"].data[...] = whole.blobs["x"].data[chosen]
        other.blobs["label"].data[...] = whole.blobs["label"].data[chosen]
        other.forward_backward()
        assert whole.loss == pytest.approx(other.loss)
        for name in ("conv", "ip"):
            for mine, theirs in zip(whole.params[name], other.params[name], strict=True):
                np.testing.assert_allclose(mine.diff, theirs.diff, atol=1e-9)


def without_filter(items: int) -> str:
    lines = [line for line in FOLLOWED.splitlines() if '"Filter"' not in line]
    text = "\n".join(lines).replace('"kept"', '"conv"').replace('"kept_label"', '"label"')
    return text.replace("dim: 5", f"dim: {items}")


def test_a_filter_that_selects_nothing_gives_no_loss() -> None:
    empty = net(FOLLOWED.replace('layer { name: "norm" type: "BatchNorm" bottom: "kept" top: "kept" }', ""))
    empty.forward(s=np.ones(5))
    empty.clear_param_diffs()
    empty.forward(s=np.zeros(5))
    empty.backward()
    assert empty.loss == 0
    assert not empty.params["conv"][0].diff.any()


def test_forced_gradients_leave_out_what_selects() -> None:
    """Caffe stops there: "Layer cannot backpropagate to filter index inputs"."""
    forced = net("force_backward: true " + FOLLOWED)
    forced.forward(s=np.array([1, 0, 1, 1, 0]))
    forced.backward()
    assert forced.blobs["x"].diff[0].any()
    assert not forced.blobs["x"].diff[1].any()


@pytest.mark.parametrize(
    "body",
    [
        'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 }',
        'type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }',
        'type: "BatchNorm"',
        'type: "MVN"',
        'type: "InnerProduct" inner_product_param { num_output: 3 }',
        'type: "SPP" spp_param { pyramid_height: 2 }',
        'type: "Eltwise" bottom: "kept"',
        'type: "Slice"',
    ],
)
def test_a_layer_rests_while_nothing_is_selected(body: str) -> None:
    """An empty batch costs no layer its kernels, statistics or gradients, and the next one is as ever."""
    text = f"""
    force_backward: true
    layer {{ name: "in" type: "Input" top: "x" top: "label" top: "s" input_param {{
        shape {{ dim: 5 dim: 3 dim: 8 dim: 8 }} shape {{ dim: 5 }} shape {{ dim: 5 }} }} }}
    layer {{ name: "keep" type: "Filter" bottom: "x" bottom: "s" top: "kept" }}
    layer {{ name: "l" {body} bottom: "kept" top: "y" }}
    layer {{ name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }}
    """
    whole = net(text)
    learned = [blob.data.copy() for blob in whole.layer_dict["l"].blobs]
    for selector in ([0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]):
        if any(selector):
            learned = []
        whole.clear_param_diffs()
        whole.forward(s=np.array(selector))
        whole.backward()
        assert whole.plan.steps[-1].top[0].shape == ()
        assert (whole.blobs["y"].count == 0) is not any(selector)
        for blob, before in zip(whole.layer_dict["l"].blobs, learned, strict=False):
            np.testing.assert_array_equal(blob.data, before)
            assert not blob.diff.any()
    assert whole.loss == 0
    assert not whole.blobs["x"].diff.any()


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("MultinomialLogisticLoss", [(0, 4), (0,)]),
        ("InfogainLoss", [(0, 4), (0,), (1, 1, 4, 4)]),
        ("ContrastiveLoss", [(0, 4), (0, 4), (0,)]),
        ("SoftmaxWithLoss", [(0, 4), (0,)]),
        ("EuclideanLoss", [(0, 4), (0, 4)]),
        ("HingeLoss", [(0, 4), (0,)]),
        ("SigmoidCrossEntropyLoss", [(0, 4), (0, 4)]),
    ],
)
def test_a_loss_of_nothing_is_zero(kind: str, shapes: list[tuple[int, ...]]) -> None:
    one = OneLayer(f'type: "{kind}"', *shapes)
    assert one.forward()[0] == 0
    one.backward(1)
