"""In-place layers: what they overwrite is kept where backward needs it, and nobody else's data change."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from tests.net.definitions import parse

HEAD = """
layer { name: "data" type: "Input" top: "data" top: "target"
        input_param { shape { dim: 6 dim: 4 } shape { dim: 6 dim: 5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "a"
        inner_product_param { num_output: 5 weight_filler { type: "gaussian" }
                              bias_filler { type: "gaussian" } } }
"""
TAIL = 'layer { name: "loss" type: "EuclideanLoss" bottom: "%s" bottom: "target" top: "loss" }'
# Layers whose backward reads their own top, and those that then write over it.
READERS = ["ReLU", "Sigmoid", "TanH", "Exp", "ELU", "Softmax"]
LEAKY = 'type: "ReLU" relu_param { negative_slope: 0.2 }'
FOLLOWERS = ["ReLU", "Dropout", "TanH", "BatchNorm", "Bias", "Power", "PReLU"]
MORE = {
    "Bias": "param { lr_mult: 1 } bias_param { filler { type: 'gaussian' } }",
    "Power": "power_param { shift: 0.3 scale: -1 }",
    "Exp": "exp_param { scale: 0.5 }",
}


def layer(kind: str, number: int, bottom: str = "a", top: str = "a") -> str:
    what = kind if kind.startswith("type") else f'type: "{kind}" {MORE.get(kind, "")}'
    return f'layer {{ name: "l{number}" bottom: "{bottom}" top: "{top}" {what} }}\n'


def make(definition: str, **options: Any) -> Net:
    net = Net(parse(definition), **({"phase": "train", "seed": 3, "dtype": "float64"} | options))
    rng = np.random.default_rng(5)
    for name in net.inputs:
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    return net


def run(net: Net) -> tuple[float, dict[str, np.ndarray]]:
    """(loss, parameter gradients), with all randomness started anew."""
    state = net.state()
    net.clear_param_diffs()
    net.forward_backward()
    net.restore_state(state)
    return net.loss, {p.name: p.blob.diff.copy() for p in net.learnable}


def slope(net: Net, blob: np.ndarray, direction: np.ndarray) -> float:
    """Derivative of the loss along a direction, by central difference."""
    before, losses = blob.copy(), []
    for step in (1e-6, -1e-6):
        blob[...] = before + step * direction
        losses.append(run(net)[0])
    blob[...] = before
    return (losses[0] - losses[1]) / 2e-6


def check(definition: str, **options: Any) -> None:
    net = make(definition, **options)
    gradients = run(net)[1]
    rng = np.random.default_rng(9)
    for parameter in net.learnable:
        if parameter.lr_mult and "BatchNorm" not in net.layer_dict[parameter.layer].type:
            direction = rng.standard_normal(parameter.blob.shape)
            expected = slope(net, parameter.blob.data, direction)
            found = float((gradients[parameter.name] * direction).sum())
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-6), parameter.name


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
@pytest.mark.parametrize(("reader", "follower"), [*itertools.product([*READERS, LEAKY], FOLLOWERS)])
def test_gradients_are_true_after_an_in_place_layer(reader: str, follower: str, fuse: bool) -> None:
    """Out of place and in place before it: a chain of up to three versions of one blob."""
    for first_in_place in (False, True):
        middle = layer(reader, 1) if first_in_place else layer(reader, 1, "a", "b")
        name = "a" if first_in_place else "b"
        check(HEAD + middle + layer(follower, 2, name, name) + TAIL % name, fuse=fuse)


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
def test_the_loss_does_not_depend_on_running_in_place(fuse: bool) -> None:
    scale = 'type: "Scale" scale_param { axis: 0 num_axes: 0 filler { value: 3 } }'
    in_place = HEAD.replace('bottom: "data" top: "a"', 'bottom: "data" top: "a"')
    start, rest = in_place.split('layer { name: "ip"')
    here = start + layer(scale, 1, "data", "data") + 'layer { name: "ip"' + rest + TAIL % "a"
    there = here.replace('bottom: "data" top: "data"', 'bottom: "data" top: "scaled"').replace(
        'type: "InnerProduct" bottom: "data"', 'type: "InnerProduct" bottom: "scaled"'
    )
    assert run(make(here, fuse=fuse))[0] == pytest.approx(run(make(there, fuse=fuse))[0], rel=1e-12)


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
def test_an_in_place_layer_behind_a_reshape_leaves_the_other_reader_alone(fuse: bool) -> None:
    check(
        HEAD
        + layer('type: "Reshape" reshape_param { shape { dim: 0 dim: 5 } }', 1, "a", "b")
        + layer("TanH", 2, "b", "b")
        + layer('type: "InnerProduct" inner_product_param { num_output: 5 weight_filler { type: "xavier" } }',
                3, "a", "c")
        + layer("Eltwise", 4, "b", 'd" bottom: "c')
        + TAIL % "d",
        fuse=fuse,
    )  # fmt: skip


def test_looking_inside_does_not_change_the_training() -> None:
    definition = HEAD + layer("ReLU", 1) + layer("BatchNorm", 2) + TAIL % "a"
    net, untouched = make(definition), make(definition)
    before = run(untouched)
    net.forward(end="ip")
    loss, gradients = run(net)
    assert loss == before[0]
    for name, value in before[1].items():
        np.testing.assert_array_equal(gradients[name], value)
    assert net.plan.fuse


def test_backward_through_a_part_follows_the_forward_pass() -> None:
    definition = HEAD + layer("ReLU", 1) + TAIL % "a"
    net = make(definition)
    whole = run(net)[1]
    net.clear_param_diffs()
    net.forward()
    with pytest.raises(NetError, match=r"l1 cannot be run backward on its own: ip \+ l1 run as one step"):
        net.backward(start="loss", end="l1")
    net.forward(start="data")
    net.backward(start="loss", end="l1")
    assert not net.params["ip"][0].diff.any()
    net.backward(start="ip")
    np.testing.assert_allclose(net.params["ip"][0].diff, whole["ip[0]"], rtol=1e-12)


def test_a_loss_weight_on_an_in_place_top_is_refused() -> None:
    with pytest.raises(NetError, match="a top with a loss_weight cannot be its bottom too"):
        make(HEAD + layer('type: "ReLU" loss_weight: 1', 1))


@pytest.mark.parametrize("names", [("p", "q"), ("q", "p")])
def test_a_test_net_shares_what_its_layers_share_by_name(names: tuple[str, str]) -> None:
    one = 'layer {{ name: "{0}" type: "InnerProduct" bottom: "data" top: "{0}" param {{ name: "w" }} inner_product_param {{ num_output: 4 bias_term: false weight_filler {{ type: "xavier" }} }} }}\n'  # noqa: E501
    head = HEAD.split('layer { name: "ip"')[0]
    train = make(head + one.format("p"))
    test = make(head + "".join(one.format(name) for name in names), phase="test", share=train)
    assert train.params["p"][0].data.any()
    for name in names:
        np.testing.assert_array_equal(test.params[name][0].data, train.params["p"][0].data)
    train.params["p"][0].data[...] = 2
    assert (test.params["q"][0].data == 2).all()


def test_a_plan_is_made_of_whatever_defines_a_net() -> None:
    from owlkit.net import Plan

    plan = Plan(parse(HEAD + layer("ReLU", 1) + TAIL % "a"), phase="train")
    assert "ip + l1" in repr(plan)
