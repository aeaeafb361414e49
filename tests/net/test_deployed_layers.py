"""Which layers a deployed net has, and for how many images they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from owlkit import Net, proto
from owlkit.core.errors import NetError
from owlkit.proto import caffe_pb2, text

HEAD = 'name: "mine" layer { name: "data" type: "Input" top: "data" top: "label" %s } '
DATA = HEAD % "input_param { shape { dim: 6 dim: 4 } shape { dim: 6 } }"
SCORE = """layer { name: "score" type: "InnerProduct" bottom: "%s" top: "score"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } } """
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" %s } '
TRAIN, TEST = "include { phase: TRAIN }", "include { phase: TEST }"


def net(*layers: str, phase: str = "train") -> Net:
    return Net(text.parse("".join(layers), caffe_pb2.NetParameter), phase=phase, seed=1)


def types(made: Net) -> list[str]:
    return [layer.type for layer in made.layers if layer.type != "Split"]


NOISE = f"""layer {{ name: "noise" type: "DummyData" top: "noise" {TRAIN}
  dummy_data_param {{ shape {{ dim: 6 dim: 4 }} data_filler {{ type: "gaussian" std: 1 }} }} }}
layer {{ name: "noisy" type: "Eltwise" bottom: "data" bottom: "noise" top: "x" {TRAIN} }}
layer {{ name: "clean" type: "Power" bottom: "data" top: "x" {TEST} }} """


@pytest.mark.parametrize("phase", ["train", "test"])
def test_what_is_for_training_alone_goes_and_what_tests_have_comes(phase: str) -> None:
    """The noise was added to the images of the deployed net."""
    trained = net(DATA, NOISE, SCORE % "x", LOSS % "", phase=phase)
    made = trained.deploy(batch=2)
    assert (types(made), made.inputs) == (["Input", "Power", "InnerProduct", "Softmax"], ["data"])
    images = np.random.default_rng(0).random((2, 4), np.float32)
    weights, bias = (blob.data for blob in trained.params["score"])
    scores = np.exp(images @ weights.T + bias)
    expected = scores / scores.sum(1, keepdims=True)
    np.testing.assert_allclose(made.forward(data=images)["prob"], expected, rtol=1e-5)


def test_a_loss_of_training_alone_leaves_its_answer() -> None:
    made = net(DATA, SCORE % "data", LOSS % TRAIN).deploy()
    assert (types(made), made.outputs) == (["Input", "InnerProduct", "Softmax"], ["prob"])
    for other in (LOSS.replace('"loss"', '"test_loss"'), LOSS.replace("WithLoss", "").replace("loss", "p")):
        other = other.replace('bottom: "label"', "") if "WithLoss" not in other else other
        made = net(DATA, SCORE % "data", LOSS % TRAIN, other % TEST).deploy()
        assert (types(made), len(made.outputs)) == (["Input", "InnerProduct", "Softmax"], 1)


def test_a_branch_that_helps_training_alone_goes_with_its_loss() -> None:
    branch = (SCORE % "data").replace('"score"', '"side"').replace("layer {", f"layer {{ {TRAIN}")
    side = LOSS.replace('"score"', '"side"').replace('"loss"', '"side_loss"')
    made = net(DATA, branch, side % TRAIN, SCORE % "data", LOSS % "").deploy()
    assert (types(made), made.outputs) == (["Input", "InnerProduct", "Softmax"], ["prob"])


def test_what_judges_in_tests_alone_is_not_deployed(tmp_path: Path) -> None:
    """It came, and with it an input for labels; HDF5Output wrote over the file of the tests."""
    path = tmp_path / "scores.h5"
    judging = f"""
        layer {{ name: "best" type: "ArgMax" bottom: "score" top: "best" {TEST} }}
        layer {{ name: "flat" type: "Reshape" bottom: "best" top: "flat" {TEST}
          reshape_param {{ shape {{ dim: -1 }} }} }}
        layer {{ name: "hits" type: "Eltwise" bottom: "flat" bottom: "label" top: "hits" {TEST} }}
        layer {{ name: "file" type: "HDF5Output" bottom: "score" bottom: "label" {TEST}
          hdf5_output_param {{ file_name: "{path}" }} }}
        layer {{ name: "more" type: "ArgMax" bottom: "score" top: "more" {TEST} }} """
    made = net(DATA, SCORE % "data", judging, LOSS % "").deploy()
    assert (types(made), made.inputs) == (["Input", "InnerProduct", "ArgMax", "Softmax"], ["data"])
    made.forward(data=np.ones((1, 4), np.float32))
    assert not path.exists()


def test_weights_that_tests_alone_have_are_told() -> None:
    more = (SCORE % "data").replace('"score"', '"more"').replace("layer {", f"layer {{ {TEST}")
    with pytest.raises(NetError, match=r"^deploy.*more \(InnerProduct\): the train net has no such layer"):
        net(DATA, more, SCORE % "data", LOSS % "").deploy()


def test_what_reads_a_source_of_tests_alone_is_told() -> None:
    shape = "input_param { shape { dim: 6 } }"
    extra = f'layer {{ name: "extra" type: "Input" top: "extra" {TEST} {shape} }}'
    reader = f'layer {{ name: "sum" type: "Power" bottom: "extra" top: "sum" {TEST} }}'
    with pytest.raises(NetError, match=r"sum \(Power\): what makes its bottom 'extra' .*deploy the test net"):
        net(DATA, extra, reader, SCORE % "data", LOSS % "").deploy()
    assert "sum" in net(DATA, extra, reader, SCORE % "data", LOSS % "", phase="test").deploy().outputs


DUMMY = """layer { name: "data" type: "DummyData" top: "data" dummy_data_param {
  shape { dim: 6 dim: 4 } %s } } """
LABEL = 'layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 6 } } } '


@pytest.mark.parametrize("filler", ['data_filler { type: "uniform" }', ""])
def test_made_up_data_are_fed_where_they_stand_for_images(filler: str) -> None:
    made = net(DUMMY % filler, LABEL, SCORE % "data", LOSS % "").deploy(batch=2)
    assert (types(made), made.inputs) == (["Input", "InnerProduct", "Softmax"], ["data"])
    assert made.blobs["data"].shape == (2, 4)


@pytest.mark.parametrize("form", ["shape { dim: 6 dim: 4 }", "num: 6 channels: 4 height: 1 width: 1"])
def test_a_constant_beside_data_stays_one(form: str) -> None:
    constant = f"""layer {{ name: "c" type: "DummyData" top: "c" dummy_data_param {{ {form}
      data_filler {{ type: "constant" value: 2 }} }} }}
      layer {{ name: "flat" type: "Flatten" bottom: "c" top: "flat" }}
      layer {{ name: "sum" type: "Eltwise" bottom: "data" bottom: "flat" top: "x" }} """
    made = net(DATA, constant, SCORE % "x", LOSS % "").deploy(batch=2)
    assert made.inputs == ["data"]
    made.forward(data=np.ones((2, 4), np.float32))
    np.testing.assert_array_equal(made.blobs["x"].data, np.full((2, 4), 3))


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
def test_as_many_factors_as_images_stay_as_many(kind: str) -> None:
    """Those of six channels became two, where six images were two then."""
    factors = f"""layer {{ name: "c" type: "DummyData" top: "c" dummy_data_param {{ shape {{ dim: 6 }}
      data_filler {{ type: "constant" value: 2 }} }} }}
      layer {{ name: "x" type: "{kind}" bottom: "data" bottom: "c" top: "x" }} """
    made = net(DATA.replace("dim: 4", "dim: 6"), factors, SCORE % "x", LOSS % "").deploy(batch=2)
    made.forward(data=np.ones((2, 6), np.float32))
    assert (made.blobs["x"].data == (2 if kind == "Scale" else 3)).all()


@pytest.mark.parametrize(
    ("dims", "batch", "shape"),
    [
        ((6, 2, 2), 1, (1, 2, 2)),
        ((6, -1, 2), 3, (3, 2, 2)),  # was (6, 1, 2) without a word
        ((0, 2, 2), 5, (5, 2, 2)),
        ((-1, 2), 5, (10, 2)),
        ((12, 2), 3, (6, 2)),
        ((12, -1), 1, (2, 2)),
        ((6, 2, 2), 6, (6, 2, 2)),
    ],
)
def test_a_batch_that_is_written_into_a_reshape_follows(
    dims: tuple[int, ...], batch: int, shape: tuple[int, ...]
) -> None:
    written = " ".join(f"dim: {d}" for d in dims)
    reshape = (
        f'layer {{ name: "r" type: "Reshape" bottom: "data" top: "r" '
        f"reshape_param {{ shape {{ {written} }} }} }}"
    )
    made = net(DATA, reshape).deploy(batch)
    assert made.blobs["r"].shape == shape


def test_a_number_of_images_that_the_net_does_not_take_is_told() -> None:
    """All images of a batch in one row."""
    row = """layer { name: "row" type: "Reshape" bottom: "data" top: "row"
      reshape_param { shape { dim: 1 dim: 24 } } } """
    trained = net(DATA, row, SCORE % "row")
    message = r"deploy\(batch=2\): row \(Reshape\): .*24 elements, .* made for 6 images .*deploy\(batch=6\)"
    with pytest.raises(NetError, match=message):
        trained.deploy(batch=2)
    assert trained.deploy(batch=6).outputs == ["score"]


def test_what_the_definition_says_is_left_as_it_was() -> None:
    trained = net(DATA, NOISE, SCORE % "x", LOSS % "")
    before = trained.graph.definition.SerializeToString()
    trained.deploy(batch=2)
    assert trained.graph.definition.SerializeToString() == before
    assert [layer.name for _, layer in trained.graph.left_out] == ["clean"]
    assert proto.net_param(trained.graph.definition).layer[0].name == "data"


def test_a_layer_with_a_phase_of_its_own_is_in_that_of_tests() -> None:
    """Caffe writes the phase of the net that it saves into each; Dropout dropped in predictions."""
    dropout = 'layer { name: "drop" type: "Dropout" bottom: "score" top: "score" phase: TRAIN } '
    made = net(DATA, SCORE % "data", dropout, LOSS % "").deploy(batch=6)
    assert {layer.phase for layer in made.layers} == {"test"}
    images = np.ones((6, 4), np.float32)
    first = made.forward(data=images)["prob"].copy()
    np.testing.assert_array_equal(first, made.forward(data=images)["prob"])
