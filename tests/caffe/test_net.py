"""caffe.Net as pycaffe's documentation and tutorials use it: made, looked at, reshaped, used in owlkit."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import owlkit
import owlkit.caffe as caffe
from owlkit.core.errors import DataError, NetError
from owlkit.net.described import _PYCAFFE
from tests.caffe.nets import DEPLOY, constructed, write


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


#: Where a name is asked for, and what is said.
NAMES = {
    "blobs cnv": r"no blob 'cnv' \(did you mean 'conv'\?\); net\.blobs has data, label, conv, pool, ip, loss",
    "blobs relu": r"no blob 'relu': the layer of that name makes 'conv'",
    "params relu": r"no layer with parameters 'relu': ReLU learns nothing",
    "params conv1": r"\(did you mean 'conv'\?\); net\.params has conv, ip",
    "layer_dict Conv": r"no layer 'Conv' \(did you mean 'conv'\?\)",
    "top_names lable": r"no layer 'lable'; net\.top_names has data, conv",
    "bottom_names los": r"no layer 'los' \(did you mean 'loss'\?\)",
}


@pytest.mark.parametrize("asked", NAMES)
def test_a_name_that_is_not_there_is_told_with_the_closest(trainable: caffe.Net, asked: str) -> None:
    """Of pycaffe's net and of owlkit's; a KeyError, as with a dict."""
    of, name = asked.split()
    for net in (trainable, trainable.owlkit_net):
        with pytest.raises(KeyError, match=NAMES[asked]):
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


def test_reshaping_an_input_reshapes_the_net(deploy: caffe.Net) -> None:
    deploy.forward()
    deploy.blobs["data"].reshape(1, 3, 8, 8)
    deploy.reshape()
    assert tuple(deploy.blobs["prob"].shape) == (1, 5)
    deploy.blobs["data"].reshape(4, 3, 8, 8)
    deploy.blobs["data"].data[...] = np.random.default_rng(0).normal(size=(4, 3, 8, 8))
    assert deploy.forward()["prob"].shape == (4, 5)
    assert len({tuple(row) for row in deploy.blobs["prob"].data}) == 4


def test_results_are_those_of_owlkits_own_net(deploy: caffe.Net, tmp_path: Path) -> None:
    deploy.save(tmp_path / "w.caffemodel")
    own = owlkit.Net(tmp_path / "net.prototxt", weights=tmp_path / "w.caffemodel")
    image = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(deploy.forward(data=image)["prob"], own.forward(data=image)["prob"])


def test_a_net_shows_itself(deploy: caffe.Net) -> None:
    assert "conv1" in repr(deploy)
    assert "<table" in deploy._repr_html_()
    assert "(2, 4, 8, 8)" in repr(deploy.blobs["conv1"])


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


def test_a_method_that_owlkits_own_net_calls_otherwise_is_told(deploy: caffe.Net) -> None:
    for name in sorted(_PYCAFFE):
        assert hasattr(deploy, name)
        with pytest.raises(AttributeError, match=f"a Net has no attribute '{name}': "):
            getattr(deploy.owlkit_net, name)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'blob'"):
        deploy.owlkit_net.blob  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "place"),
    [("set_phase_test", "caffe.Net(file, weights, caffe.TEST)"), ("set_mode_cpu", "caffe.set_mode_cpu(")],
)
def test_what_the_first_pycaffe_had_says_where_it_went(deploy: caffe.Net, name: str, place: str) -> None:
    with pytest.raises(AttributeError, match=f"no {name} since 2014: .*{re.escape(place)}"):
        getattr(deploy, name)
    with pytest.raises(AttributeError, match=r"a caffe\.io\.Transformer has set_mean"):
        deploy.set_mean  # type: ignore[attr-defined]
    assert not hasattr(deploy, "set_nothing")
