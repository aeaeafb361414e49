"""Graphs: connections, shapes, splits, and the messages for definitions that make no net."""

from __future__ import annotations

import re

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Graph, Net
from tests.net.definitions import HEAD, RESIDUAL, SMALL, parse


def graph(definition: str, **options: object) -> Graph:
    return Graph(parse(definition), **({"phase": "train"} | options))  # type: ignore[arg-type]


def test_shapes_are_known_without_memory() -> None:
    found = graph(SMALL)
    assert found.blobs["pool1"].shape == (4, 6, 4, 4)
    assert found.macs == 4 * 64 * 6 * 27 + 4 * 96 * 5
    assert found.parameter_count == 6 * 27 + 6 + 96 * 5 + 5
    assert all(blob.allocated_bytes == 0 for blob in found.blobs.values())


def test_messages_name_the_blob_that_a_net_splits_but_not_one_that_a_definition_splits() -> None:
    definition = """
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
        %s
        layer { name: "fc" type: "InnerProduct" bottom: "%s" top: "fc" inner_product_param { num_output: 2 } }
        layer { name: "conv" type: "Convolution" bottom: "%s" top: "conv"
          convolution_param { num_output: 2 kernel_size: 12 } }"""
    with pytest.raises(NetError, match=r"conv .*\(blob 'data', shape"):
        graph(definition % ("", "data", "data"))
    own = 'layer { name: "own" type: "Split" bottom: "data" top: "one" top: "other" }'
    with pytest.raises(NetError, match=r"conv .*\(blob 'other', shape"):
        graph(definition % (own, "one", "other"))


def test_splits_have_the_names_that_caffe_gives_them() -> None:
    names = [node.name for node in graph(RESIDUAL).nodes if node.layer.type == "Split"]
    assert names == ["a_a_relu_0_split", "sum_sum_relu_0_split"]


def test_a_loss_that_is_read_again_is_split() -> None:
    tail = 'layer { name: "again" type: "Silence" bottom: "loss" }'
    found = graph(SMALL + tail)
    split = next(node for node in found.nodes if node.layer.type == "Split")
    assert split.name == "loss_loss_0_split"
    assert split.layer.loss_weights == [1.0, 0.0]
    assert [n.layer.loss_weights for n in found.nodes if n.name == "loss"] == [[0.0]]


def test_gradients_stop_where_nothing_learns() -> None:
    frozen = SMALL.replace(
        'name: "conv1" type', 'name: "conv1" param { lr_mult: 0 } param { lr_mult: 0 } type'
    )
    backward = {node.name: node.backward for node in graph(frozen).nodes}
    assert backward == {
        "data": False, "conv1": False, "relu1": False, "pool1": False, "ip1": True, "loss": True,
    }  # fmt: skip
    ip1 = next(node for node in graph(frozen).nodes if node.name == "ip1")
    assert ip1.propagate_down == [False]


def test_force_backward_reaches_the_input() -> None:
    found = graph("force_backward: true " + SMALL)
    assert all(node.backward for node in found.nodes)
    assert found.nodes[1].propagate_down == [True]
    assert found.nodes[-1].propagate_down == [True, False]


def test_a_net_without_a_loss_has_no_gradients() -> None:
    deploy = SMALL[: SMALL.index('layer { name: "loss"')]
    assert not any(node.backward for node in graph(deploy).nodes)


def changed(*pairs: tuple[str, str]) -> str:
    """SMALL with replacements."""
    definition = SMALL
    for old, new in pairs:
        assert old in definition
        definition = definition.replace(old, new)
    return definition


MISTAKES = {
    "no earlier layer makes its bottom 'pol1' (did you mean 'pool1'?)": changed(
        ('bottom: "pool1"', 'bottom: "pol1"')
    ),
    "kernel 11x11 exceeds the padded input 10x10": changed(("kernel_size: 3 pad", "kernel_size: 11 pad")),
    "no earlier layer makes its bottom 'con1' (did you mean 'conv1'?)": changed(  # in place: its top, too
        ('type: "ReLU" bottom: "conv1" top: "conv1"', 'type: "ReLU" bottom: "con1" top: "con1"')
    ),
    "has no layer type 'RelU' (did you mean 'ReLU'?)": changed(('type: "ReLU"', 'type: "RelU"')),
    "'data' is made by layer 'data' already; name it differently": changed(
        ('top: "ip1"', 'top: "data"'), ('bottom: "ip1"', 'bottom: "data"')
    ),
    "or give each its rule, include { phase: TRAIN } and include { phase: TEST }": HEAD + HEAD,
    "two of its tops are named 'x'": HEAD
    + 'layer { name: "s" type: "Slice" bottom: "data" top: "x" top: "x" }',
    "layer 'ip1' makes it, but further down": changed(
        ('bottom: "conv1" top: "pool1"', 'bottom: "ip1" top: "pool1"')
    ),
    "layer 'conv1' makes it, but its include or exclude rules leave it out in phase TRAIN": changed(
        ('name: "conv1"', 'name: "conv1" include { phase: TEST }')
    ),
    "cannot run in place": changed(('top: "pool1"', 'top: "conv1"'), ('bottom: "pool1"', 'bottom: "conv1"')),
    "num_output is missing": changed(("num_output: 6", "")),
    "takes 2 bottom(s), but 1 are given; bottom 0: x, scores, e.g. (N, K) or (N, K, H, W); bottom 1: lab": (
        changed(('bottom: "label" top: "loss"', 'top: "loss"'))
    ),
    "2 propagate_down values for 1 bottoms": changed(
        ('type: "ReLU"', 'type: "ReLU" propagate_down: true propagate_down: false')
    ),
    "2 loss_weight values for 1 tops": changed(
        ('type: "ReLU"', 'type: "ReLU" loss_weight: 1 loss_weight: 1')
    ),
    "has no type": HEAD + 'layer { name: "x" bottom: "data" top: "x" }',
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_are_told(message: str) -> None:
    with pytest.raises(NetError, match=re.escape(message)):
        graph(MISTAKES[message])


def test_layers_without_weights_may_share_a_name() -> None:
    """Caffe's autoencoder has two losses named "loss"."""
    twins = parse(
        HEAD
        + """layer { name: "twin" type: "Dropout" bottom: "data" top: "one" }
             layer { name: "twin" type: "Dropout" bottom: "data" top: "two" }"""
    )
    net = Net(twins, phase="train", seed=1)
    net.blobs["data"].data[...] = 1
    before = net.state()
    first = {name: array.copy() for name, array in net.forward().items()}
    assert not np.array_equal(first["one"], first["two"])  # each draws numbers of its own
    net.restore_state(before)
    again = net.forward()
    assert all(np.array_equal(again[name], first[name]) for name in ("one", "two"))


@pytest.mark.parametrize("dtype", ["int8", "float"])
def test_types_that_nets_do_not_compute_in_are_refused(dtype: str) -> None:
    with pytest.raises(NetError, match=f"dtype '{dtype}': nets compute in float32, float64, float16 or"):
        Graph(parse(SMALL), dtype=dtype)


def test_a_layer_may_have_a_phase_of_its_own() -> None:
    """As in Caffe, where a layer without one gets the net's; `include` alone says in which nets it is."""
    dropout = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 9 } } }
        layer { name: "y" type: "Dropout" bottom: "x" top: "y" %s }
    """
    x = np.ones((4, 9), np.float32)
    for phase in ("train", "test"):
        for own, drops in (("", phase == "train"), ("phase: TRAIN", True), ("phase: TEST", False)):
            net = Net(parse(dropout % own), phase=phase, seed=1)
            assert (net.forward(x=x)["y"] != 1).any() == drops
