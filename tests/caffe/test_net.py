"""caffe.Net as pycaffe's documentation and tutorials use it."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import owlkit
import owlkit.caffe as caffe
from owlkit.caffe import mode
from owlkit.core.errors import DataError, NetError
from tests.caffe.nets import DEPLOY, TRAINABLE, TWO_INPUTS, write
from tests.support import emulated_gpu


@pytest.fixture
def deploy(tmp_path: Path) -> caffe.Net:
    return caffe.Net(write(tmp_path, DEPLOY), caffe.TEST)


@pytest.fixture
def trainable(tmp_path: Path) -> caffe.Net:
    net = caffe.Net(write(tmp_path, TRAINABLE), caffe.TRAIN)
    net.blobs["label"].data[...] = [0, 1, 2, 0, 1]
    return net


# -- constructors
def constructed(tmp_path: Path, *arguments: object, **named: object) -> caffe.Net:
    return caffe.Net(write(tmp_path, DEPLOY), *arguments, **named)  # type: ignore[arg-type]


def test_every_form_of_the_constructor_loads_the_same_weights(tmp_path: Path) -> None:
    model, saved = write(tmp_path, DEPLOY), str(tmp_path / "w.caffemodel")
    first = caffe.Net(model, caffe.TEST)
    first.save(saved)
    forms = [
        caffe.Net(model, saved, caffe.TEST),
        caffe.Net(model, caffe.TEST, weights=saved),
        caffe.Net(network_file=model, phase=caffe.TEST, weights=saved),
        caffe.Net(model, caffe.TEST, 0, None, saved),
    ]
    for net in forms:
        np.testing.assert_array_equal(net.params["fc"][0].data, first.params["fc"][0].data)


def test_level_and_stages_select_layers(tmp_path: Path) -> None:
    text = DEPLOY.replace(
        'name: "prob" type: "Softmax"',
        'name: "prob" type: "Softmax" include { min_level: 2 } include { stage: "deploy" }',
    )
    model = write(tmp_path, text)
    assert caffe.Net(model, caffe.TEST).outputs == ["fc"]
    assert caffe.Net(model, caffe.TEST, level=2).outputs == ["prob"]
    assert caffe.Net(model, caffe.TEST, 0, ["deploy"]).outputs == ["prob"]


def test_a_missing_file_is_a_runtime_error_that_names_the_closest(tmp_path: Path) -> None:
    write(tmp_path, DEPLOY)
    with pytest.raises(RuntimeError, match=r"could not open file .*nett.*'net.prototxt'"):
        caffe.Net(str(tmp_path / "nett.prototxt"), caffe.TEST)
    with pytest.raises(DataError, match=r"gone\.caffemodel"):
        constructed(tmp_path, caffe.TEST, weights=str(tmp_path / "gone.caffemodel"))


def test_a_net_needs_a_phase(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"caffe\.TEST"):
        constructed(tmp_path)
    with pytest.raises(TypeError, match=r"caffe\.TEST"):
        constructed(tmp_path, "some.caffemodel")
    with pytest.raises(TypeError, match=r"level; give weights='some\.caffemodel'"):
        constructed(tmp_path, caffe.TEST, "some.caffemodel")
    with pytest.raises(NetError, match=r"phase 7.*caffe\.TRAIN"):
        constructed(tmp_path, 7)


# -- what it is made of
def test_names_and_indices(trainable: caffe.Net) -> None:
    assert trainable.inputs == []
    assert trainable.outputs == ["loss"]
    assert list(trainable._layer_names) == ["data", "conv", "relu", "pool", "ip", "loss"]
    assert isinstance(trainable.blobs, OrderedDict)
    assert list(trainable.blobs) == ["data", "label", "conv", "pool", "ip", "loss"] == trainable._blob_names
    assert trainable.top_names["data"] == ["data", "label"]
    assert trainable.bottom_names["loss"] == ["ip", "label"]
    assert trainable._bottom_ids(5) == [4, 1]
    assert trainable._top_ids(2) == [2]
    assert trainable._outputs == [5]
    assert trainable._inputs == []
    assert list(trainable.params) == ["conv", "ip"]
    assert dict(trainable.blob_loss_weights)["loss"] == 1
    assert trainable.blob_loss_weights["ip"] == 0


NAMES = [
    (
        "blobs",
        "cnv",
        r"no blob 'cnv' \(did you mean 'conv'\?\); net\.blobs has data, label, conv, pool, ip, loss",
    ),
    ("blobs", "relu", r"no blob 'relu': the layer of that name makes 'conv'"),
    ("params", "relu", r"no layer with parameters 'relu': ReLU learns nothing"),
    ("params", "conv1", r"\(did you mean 'conv'\?\); net\.params has conv, ip"),
    ("layer_dict", "Conv", r"no layer 'Conv' \(did you mean 'conv'\?\)"),
    ("top_names", "lable", r"no layer 'lable'; net\.top_names has data, conv"),
    ("bottom_names", "los", r"no layer 'los' \(did you mean 'loss'\?\)"),
]


@pytest.mark.parametrize(("of", "name", "message"), NAMES)
def test_a_name_that_is_not_there_is_told_with_the_closest(
    trainable: caffe.Net, of: str, name: str, message: str
) -> None:
    """Of pycaffe's net and of owlkit's; a KeyError, as with a dict."""
    for net in (trainable, trainable.owlkit_net):
        with pytest.raises(KeyError, match=message):
            getattr(net, of)[name]
        assert name not in getattr(net, of)


def test_layers_know_their_type_and_blobs(trainable: caffe.Net) -> None:
    assert [layer.type for layer in trainable.layers][:3] == ["DummyData", "Convolution", "ReLU"]
    assert list(trainable.layer_dict) == trainable._layer_names
    assert trainable.layer_dict["conv"] is trainable.layers[1]
    weights, bias = trainable.layers[1].blobs
    assert np.shares_memory(weights.data, trainable.params["conv"][0].data)
    assert bias.shape == (6,)
    assert len(trainable.layers[2].blobs) == 0


def test_blobs_have_pycaffes_attributes(deploy: caffe.Net) -> None:
    blob = deploy.blobs["conv1"]
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 4, 8, 8)
    assert list(blob.shape) == [2, 4, 8, 8]
    assert blob.count == 512
    assert [*deploy.params["fc"][0].shape] == [5, 64]
    assert blob.data.dtype == blob.diff.dtype == np.float32


# -- arrays
def test_arrays_are_in_c_order_and_their_views_write_through(deploy: caffe.Net) -> None:
    data = deploy.blobs["data"].data
    assert data.flags.c_contiguous
    assert data.flags.writeable
    data.reshape(2, -1)[...] = np.arange(2 * 192).reshape(2, 192)
    data.ravel()[0] = -5
    deploy.forward()
    expected = np.arange(384, dtype=np.float32)
    expected[0] = -5
    np.testing.assert_array_equal(deploy._net.blobs["data"].data, expected.reshape(2, 3, 8, 8))


def test_an_array_that_is_kept_shows_every_later_pass(deploy: caffe.Net) -> None:
    kept = deploy.blobs["conv1"].data
    view = kept[1, 2]
    for value in (1.0, -3.0):
        deploy.blobs["data"].data[...] = value
        deploy.forward()
        assert kept.any()
        np.testing.assert_array_equal(kept, deploy._net.blobs["conv1"].data)
        np.testing.assert_array_equal(view, kept[1, 2])
    assert deploy.blobs["conv1"].data is kept


def test_arrays_that_nobody_keeps_cost_nothing_after_the_next_pass(deploy: caffe.Net) -> None:
    deploy.blobs["data"].data[...] = 1
    deploy.blobs["conv1"].diff[...] = 1
    assert len(deploy._arrays._handed_out) == 2
    deploy.forward()
    assert not deploy._arrays._handed_out


def test_blobs_that_share_memory_share_the_array(tmp_path: Path) -> None:
    text = DEPLOY + 'layer { name: "again" type: "Power" bottom: "pool1" top: "again" }'
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    net.forward()
    name = next(name for name in net.blobs if name.startswith("pool1_"))
    net.blobs["pool1"].data[...] = 7
    assert (net.blobs[name].data == 7).all()


def test_what_is_written_to_a_blob_is_what_the_next_layer_reads(trainable: caffe.Net) -> None:
    pool = np.random.default_rng(0).normal(size=trainable.blobs["pool"].shape).astype(np.float32)
    trainable.blobs["pool"].data[:] = pool
    out = trainable.forward(start="ip", end="ip")
    weights, bias = (blob.data for blob in trainable.params["ip"])
    np.testing.assert_allclose(out["ip"], pool.reshape(5, -1) @ weights.T + bias, rtol=1e-4, atol=1e-5)


def test_gradients_that_are_written_are_what_backward_starts_from(trainable: caffe.Net) -> None:
    diff = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    trainable.blobs["ip"].diff[:] = diff
    found = trainable.backward(start="ip", end="ip")
    assert list(found) == ["pool"]
    expected = (diff @ trainable.params["ip"][0].data).reshape(trainable.blobs["pool"].shape)
    np.testing.assert_allclose(found["pool"], expected, rtol=1e-4, atol=1e-5)


# -- forward and backward
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


def test_reshaping_an_input_reshapes_the_net(deploy: caffe.Net) -> None:
    deploy.forward()
    deploy.blobs["data"].reshape(1, 3, 8, 8)
    deploy.reshape()
    assert tuple(deploy.blobs["prob"].shape) == (1, 5)
    deploy.blobs["data"].reshape(4, 3, 8, 8)
    deploy.blobs["data"].data[...] = np.random.default_rng(0).normal(size=(4, 3, 8, 8))
    assert deploy.forward()["prob"].shape == (4, 5)
    assert len({tuple(row) for row in deploy.blobs["prob"].data}) == 4


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


# -- weights
def test_share_with_uses_the_same_memory(tmp_path: Path) -> None:
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    two.share_with(one)
    one.params["fc"][0].data[...] = 0
    one.params["fc"][1].data[...] = [0, 0, 50, 0, 0]
    np.testing.assert_allclose(two.forward()["prob"][:, 2], 1, rtol=1e-6)
    assert np.shares_memory(one.params["conv1"][0].data, two.params["conv1"][0].data)


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_share_with_after_passes_were_captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = emulated_gpu.emulated_device()
    monkeypatch.setattr(mode, "device", lambda: device)
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    for _ in range(3):
        two.forward()
    assert "forward is captured" in repr(two.owlkit_net.plan)
    two.share_with(one)
    one.params["fc"][0].data[...] = 0
    one.params["fc"][1].data[...] = [0, 0, 50, 0, 0]
    for _ in range(3):
        np.testing.assert_allclose(two.forward()["prob"][:, 2], 1, rtol=1e-6)


@pytest.mark.parametrize("way", ["binary", "hdf5"])
def test_weights_written_are_read_again(tmp_path: Path, way: str) -> None:
    one, two = constructed(tmp_path, caffe.TEST), constructed(tmp_path, caffe.TEST)
    path = str(tmp_path / ("w.caffemodel" if way == "binary" else "w.caffemodel.h5"))
    if way == "binary":
        one.save(path)
        report = two.copy_from(path)
    else:
        one.save_hdf5(path)
        report = two.load_hdf5(path)
    assert report.loaded == ["conv1", "fc"]
    for name in one.params:
        for mine, theirs in zip(one.params[name], two.params[name], strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_surgery_makes_a_fully_convolutional_net(tmp_path: Path) -> None:
    """The inner product's weights, read as a convolution's, classify every place of a larger image."""
    text = DEPLOY.replace('name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"', "").replace(
        "inner_product_param { num_output: 5",
        'name: "fc-conv" type: "Convolution" bottom: "pool1" top: "fc"\n'
        "convolution_param { num_output: 5 kernel_size: 4",
    )
    net = constructed(tmp_path, caffe.TEST)
    full = caffe.Net(write(tmp_path, text, "full.prototxt"), caffe.TEST)
    for name in ("conv1",):
        for index in (0, 1):
            full.params[name][index].data[...] = net.params[name][index].data
    full.params["fc-conv"][0].data.flat = net.params["fc"][0].data.flat
    full.params["fc-conv"][1].data[...] = net.params["fc"][1].data
    image = np.random.default_rng(0).normal(size=(3, 12, 10)).astype(np.float32)
    full.blobs["data"].reshape(1, 3, 12, 10)
    out = full.forward_all(data=np.asarray([image]))["prob"]
    assert out.shape == (1, 5, 3, 2)
    crops = np.stack([image[:, :8, :8], image[:, 4:, 2:]])
    # Padding differs at the crops' inner borders: compare what is computed from the inside alone.
    net.params["conv1"][0].data[:, :, 0] = net.params["conv1"][0].data[:, :, 2] = 0
    net.params["conv1"][0].data[:, :, :, ::2] = 0
    full.params["conv1"][0].data[...] = net.params["conv1"][0].data
    out = full.forward(data=image[None])["prob"]
    expected = net.forward(data=crops)["prob"]
    np.testing.assert_allclose(out[0, :, 0, 0], expected[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(out[0, :, 2, 1], expected[1], rtol=1e-4, atol=1e-6)


# -- in the end
def test_results_are_those_of_owlkits_own_net(deploy: caffe.Net, tmp_path: Path) -> None:
    deploy.save(tmp_path / "w.caffemodel")
    own = owlkit.Net(tmp_path / "net.prototxt", weights=tmp_path / "w.caffemodel")
    image = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(deploy.forward(data=image)["prob"], own.forward(data=image)["prob"])


def test_a_net_shows_itself(deploy: caffe.Net) -> None:
    assert "conv1" in repr(deploy)
    assert "<table" in deploy._repr_html_()
    assert "(2, 4, 8, 8)" in repr(deploy.blobs["conv1"])


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


def test_weights_of_another_net_are_refused_and_partial_ones_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    constructed(tmp_path, caffe.TEST).save(str(tmp_path / "w.caffemodel"))
    weights = str(tmp_path / "w.caffemodel")
    renamed = DEPLOY.replace('"fc"', '"other"')
    net = caffe.Net(write(tmp_path, renamed, "renamed.prototxt"), weights, caffe.TEST)
    assert "1 of 2 layers loaded; not in the file, kept as they are: other" in caplog.text
    assert net.copy_from(weights).missing == ["other"]
    with pytest.raises(NetError, match="no layer was loaded"):
        caffe.Net(write(tmp_path, renamed.replace('"conv1"', '"c"'), "all.prototxt"), weights, caffe.TEST)


def test_what_owlkit_offers_beyond_pycaffe_takes_the_net(trainable: caffe.Net) -> None:
    """With what was written to the arrays, which lie apart from the net's memory."""
    trainable.blobs["data"].data[...] = 2.5
    trainable.params["ip"][0].data[...] = 0.25
    assert trainable.owlkit_net.blobs["data"].data.min() == 2.5
    report = owlkit.check_gradients(trainable)
    assert report.ok
    values = {row.slot.label: row.values for row in report.rows}
    assert np.all(values["data"] == 2.5)
    assert np.all(values["pool"] >= 0)
    with pytest.raises(TypeError, match="inputs of a net"):
        owlkit.check_gradients(trainable, [(2, 3)])


def test_owlkits_pictures_take_the_net(deploy: caffe.Net) -> None:
    image = np.full((8, 8, 3), 200, np.uint8)
    owns = owlkit.show_activations(deploy.owlkit_net, image, "conv1")
    assert repr(owlkit.show_activations(deploy, image, "conv1")) == repr(owns)
    assert owlkit.show_heatmap(deploy, image, "fc", unit=1, patch=4, progress=False) is not None
