"""Forward and backward of caffe.Net, whole, in part and in batches, and callbacks around layers."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from owlkit.core.errors import NetError
from tests.caffe.nets import DEPLOY, TWO_INPUTS, constructed, write


def test_forward_returns_outputs_and_the_blobs_asked_for(deploy: caffe.Net) -> None:
    image = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    out = deploy.forward(data=image, blobs=["fc"])
    assert set(out) == {"prob", "fc"}
    np.testing.assert_allclose(out["prob"].sum(1), 1, rtol=1e-5)
    assert set(deploy.forward(end="pool1")) == {"pool1"}
    assert set(deploy.forward(["fc"], "pool1", "pool1")) == {"pool1", "fc"}
    out["prob"][...] = 0
    assert deploy.forward()["prob"].any(), "a later pass did not write over what was returned"


def test_inputs_must_be_all_there_and_of_the_batch_size(deploy: caffe.Net) -> None:
    with pytest.raises(Exception, match=r"inputs given: \['image'\]; the net's are \['data'\]"):
        deploy.forward(image=np.zeros((2, 3, 8, 8)))
    with pytest.raises(Exception, match=r"\(2, 3, 8, 8\), but the array is \(3, 3, 8, 8\)"):
        deploy.forward(data=np.zeros((3, 3, 8, 8)))


def test_inputs_given_by_name_reach_arrays_that_are_held(deploy: caffe.Net) -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 2, 3, 8, 8)).astype(np.float32)
    held = deploy.blobs["data"].data
    for image in (first, second):
        out = deploy.forward(data=image)["prob"].copy()
        np.testing.assert_array_equal(held, image)
        np.testing.assert_array_equal(deploy.forward()["prob"], out)


def test_two_inputs_and_their_gradients(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, TWO_INPUTS), caffe.TEST)
    a, b = np.ones((4, 3), np.float32), np.full((4, 3), 2, np.float32)
    with pytest.raises(NetError, match="give them all"):
        net.forward(a=a)
    out = net.forward(a=a, b=b)
    weights = net.params["ip"][0].data
    np.testing.assert_allclose(out["sum"], a @ weights.T + 2, rtol=1e-5)
    grads = net.backward(sum=np.ones((4, 3)), diffs=["ip"])
    np.testing.assert_allclose(grads["a"], np.ones((4, 3)) @ weights, rtol=1e-5)
    np.testing.assert_array_equal(grads["b"], 1)
    np.testing.assert_array_equal(grads["ip"], 1)


def test_arrays_of_other_shapes_are_told_by_name(deploy: caffe.Net, trainable: caffe.Net) -> None:
    """NumPy's "could not broadcast" names no blob; the gradient of a loss, (), was refused for being ()."""
    for shape in [(2, 3, 7, 8), (1, 3, 8, 8)]:
        message = rf"input 'data' is \(2, 3, 8, 8\), but the array is {re.escape(str(shape))}.*reshape\("
        with pytest.raises(NetError, match=message):
            deploy.forward(data=np.zeros(shape))
    with pytest.raises(ValueError, match="could not convert string to float"):
        deploy.forward(data=np.full((2, 3, 8, 8), "a"))
    trainable.forward()
    trainable.backward(loss=np.array(2.0))
    assert trainable.blobs["loss"].diff == 2
    with pytest.raises(NetError, match=r"output 'loss' is \(\), but .* \(3,\); give a gradient of"):
        trainable.backward(loss=np.ones(3))


@pytest.mark.parametrize("start", ["pool", "relu", "conv"])
def test_backward_from_anywhere_after_a_whole_forward(trainable: caffe.Net, start: str) -> None:
    trainable.forward()
    top = trainable.top_names[start][0]
    gradient = np.random.default_rng(1).normal(size=trainable.blobs[top].shape).astype(np.float32)
    active = trainable.blobs["conv"].data > 0
    trainable.blobs[top].diff[...] = gradient
    trainable.clear_param_diffs()
    trainable.backward(start=start, end="conv")
    if start == "pool":
        spread = np.repeat(np.repeat(gradient, 2, 2), 2, 3)
        picked = trainable.blobs["pool"].data.repeat(2, 2).repeat(2, 3) == trainable.blobs["conv"].data
        reached = spread * picked * active
    else:
        reached = gradient * active if start == "relu" else gradient
    bias = trainable.params["conv"][1].diff
    np.testing.assert_allclose(bias, reached.sum((0, 2, 3)), rtol=1e-4, atol=1e-4)


def test_a_part_and_then_the_rest_give_what_a_whole_pass_gives(trainable: caffe.Net) -> None:
    trainable.forward()
    trainable.backward()
    whole = {name: trainable.blobs[name].data.copy() for name in trainable.blobs}
    gradients = [blob.diff.copy() for blobs in trainable.params.values() for blob in blobs]
    trainable.clear_param_diffs()
    trainable.forward(start="conv", end="conv")
    assert (trainable.blobs["conv"].data < 0).any(), "conv has to be seen before its ReLU"
    trainable.forward(start="relu")
    trainable.backward(end="pool")
    trainable.backward(start="relu")
    for name, data in whole.items():
        np.testing.assert_allclose(trainable.blobs[name].data, data, rtol=1e-5, atol=1e-6)
    found = [blob.diff for blobs in trainable.params.values() for blob in blobs]
    for mine, theirs in zip(found, gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_an_unknown_layer_or_blob_is_named_with_the_closest(deploy: caffe.Net) -> None:
    with pytest.raises(NetError, match=r"'conv_1'.*'conv1'"):
        deploy.forward(end="conv_1")
    with pytest.raises(NetError, match=r"'pool_1'.*'pool1'"):
        deploy.forward(blobs=["pool_1"])


def test_parameter_gradients_add_up_until_they_are_cleared(trainable: caffe.Net) -> None:
    trainable.forward()
    trainable.backward()
    kept = trainable.params["conv"][0].diff
    once = kept.copy()
    trainable.backward()
    np.testing.assert_allclose(kept, 2 * once, rtol=1e-4, atol=1e-6)
    trainable.clear_param_diffs()
    assert not kept.any()
    kept[...] = 3  # what is written after clearing stays
    trainable.backward()
    np.testing.assert_allclose(kept, 3 + once, rtol=1e-4, atol=1e-5)


def test_forward_all_takes_any_number_of_images(deploy: caffe.Net) -> None:
    images = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32)
    out = deploy.forward_all(blobs=["fc"], data=images)
    assert out["prob"].shape == (5, 5)
    assert out["fc"].shape == (5, 5)
    for start in (0, 2):
        batch = deploy.forward(data=images[start : start + 2])["prob"]
        np.testing.assert_array_equal(out["prob"][start : start + 2], batch)
    padded = np.concatenate([images[4:], np.zeros((1, 3, 8, 8), np.float32)])
    np.testing.assert_array_equal(out["prob"][4:], deploy.forward(data=padded)["prob"][:1])


def test_forward_backward_all_in_batches(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, TWO_INPUTS), caffe.TEST)
    rng = np.random.default_rng(0)
    a, b, top = (rng.normal(size=(6, 3)).astype(np.float32) for _ in range(3))
    blobs, diffs = net.forward_backward_all(blobs=["ip"], a=a, b=b, sum=top)
    weights = net.params["ip"][0].data
    np.testing.assert_allclose(blobs["sum"], a @ weights.T + b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(blobs["ip"], a @ weights.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(diffs["a"], top @ weights, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(diffs["b"], top)


def test_set_input_arrays_feeds_a_memory_data_layer(tmp_path: Path) -> None:
    text = """layer { name: "data" type: "MemoryData" top: "data" top: "label"
      memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } }"""
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    images = np.random.default_rng(0).normal(size=(4, 3, 4, 5)).astype(np.float32)
    net.set_input_arrays(images, np.arange(4, dtype=np.float32))
    for start in (0, 2, 0):
        net.forward()
        np.testing.assert_array_equal(net.blobs["data"].data, images[start : start + 2])
        np.testing.assert_array_equal(net.blobs["label"].data.ravel(), [start, start + 1])
    with pytest.raises(NetError, match="needs a MemoryData layer"):
        constructed(tmp_path, caffe.TEST).set_input_arrays(images, np.arange(4))


def test_callbacks_around_layers(trainable: caffe.Net) -> None:
    told: list[tuple[str, int]] = []
    seen: list[float] = []
    trainable.before_forward(lambda layer: told.append(("before", layer)))
    trainable.after_forward(lambda layer: seen.append(trainable.blobs["conv"].data.min()))
    trainable.before_backward(lambda layer: told.append(("back", layer)))
    trainable.after_backward(lambda layer: told.append(("done", layer)))
    trainable.forward()
    assert told == [("before", layer) for layer in range(6)]
    assert seen[1] < 0 <= seen[2], "after conv, and after the ReLU in place"
    told.clear()
    trainable.backward()
    assert told[:4] == [("back", 5), ("done", 5), ("back", 4), ("done", 4)]
    assert len(told) == 12


def test_a_callback_may_change_what_the_next_layer_reads(deploy: caffe.Net) -> None:
    def double(layer: int) -> None:
        if layer == 3:
            deploy.blobs["pool1"].data[...] *= 2

    deploy.blobs["data"].data[...] = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    before = deploy.forward(["fc"])["fc"].copy()
    deploy.after_forward(double)
    np.testing.assert_allclose(deploy.forward(["fc"])["fc"], 2 * before, rtol=1e-4, atol=1e-5)


def test_gradients_are_right_again_after_a_part_that_was_cut(tmp_path: Path) -> None:
    """A layer that reads its own top, then one in place behind it: Caffe's gradient is wrong there."""
    text = """force_backward: true
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "sigmoid" type: "Sigmoid" bottom: "data" top: "x" }
    layer { name: "times" type: "Power" bottom: "x" top: "x" power_param { scale: 3 } }
    layer { name: "sum" type: "Reduction" bottom: "x" top: "sum" loss_weight: 1 }"""
    net = caffe.Net(write(tmp_path, text), caffe.TRAIN)
    x = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
    y = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(net.forward(data=x, end="sigmoid")["x"], y, rtol=1e-5)
    np.testing.assert_allclose(net.forward(data=x, blobs=["x"])["x"], 3 * y, rtol=1e-5)
    np.testing.assert_allclose(net.backward()["data"], 3 * y * (1 - y), rtol=1e-5)


def test_an_image_is_changed_to_excite_a_layer(tmp_path: Path) -> None:
    """The loop behind inceptionism: forward to a layer, its data as its gradient, backward from there."""
    net = caffe.Net(write(tmp_path, "force_backward: true\n" + DEPLOY), caffe.TEST)
    source, end = net.blobs["data"], "conv1"
    source.reshape(1, 3, 12, 12)
    source.data[0] = np.random.default_rng(0).normal(size=(3, 12, 12))
    excitement = []
    for _ in range(8):
        net.forward(end=end)
        target = net.blobs[end]
        excitement.append(float((target.data**2).sum()))
        target.diff[:] = target.data
        net.backward(start=end)
        gradient = source.diff[0]
        source.data[0] += 0.5 / np.abs(gradient).mean() * gradient
    assert all(later > before for before, later in itertools.pairwise(excitement))
