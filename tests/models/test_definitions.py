"""All nets and solver files that come with BVLC Caffe: read, and built on tiny sets laid out as usual."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit import proto
from owlkit.layers import LAYERS
from owlkit.net import Net
from owlkit.net.deploying import deploy_definition
from owlkit.net.graph import Graph
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from owlkit.solvers.policies import check_policy, learning_rate
from owlkit.solvers.rules import rule_class
from tests.models.sets import lay_out, layer_types
from tests.support.shared import shared, shared_root

FOLDER = shared_root() / "models" / "bvlc"
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.prototxt"))
SOLVERS = [name for name in FILES if "solver" in Path(name).name]
NETS = [name for name in FILES if name not in SOLVERS]
# Values that a deployed net learns, as published or counted by hand from its layers.
COUNTS = {
    "examples/mnist/lenet.prototxt": 431_080,
    "examples/cifar10/cifar10_quick.prototxt": 145_578,
    "examples/cifar10/cifar10_full.prototxt": 89_578,
    "models/bvlc_alexnet/deploy.prototxt": 60_965_224,
    "models/bvlc_reference_caffenet/deploy.prototxt": 60_965_224,
    "models/bvlc_googlenet/deploy.prototxt": 6_998_552,
}
# Nets whose source of data in the test phase is chosen by a stage, as their solver file's test_state does.
STAGES = {("examples/mnist/mnist_autoencoder.prototxt", "test"): ["test-on-train", "test-on-test"]}
SMALL = ("examples/mnist/", "examples/cifar10/")


def test_all_files_are_there() -> None:
    shared("models/bvlc")
    assert len(FILES) == 54
    assert len(SOLVERS) + len(NETS) == 54


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, from which definitions name their sets."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def skip_unless_it_can_be_built(name: str, phase: str) -> None:
    missing = sorted(layer_types(FOLDER / name, phase) - set(LAYERS))
    if missing:
        pytest.skip(f"{name}: there is no layer type {', '.join(missing)} yet")
    for layer in proto.read_net(FOLDER / name).layer:
        if layer.type == "Data" and layer.data_param.backend != caffe_pb2.DataParameter.LMDB:
            pytest.skip(f"{name}: its set is a LEVELDB, which owlkit does not read")


@pytest.mark.parametrize("name", NETS)
def test_a_net_survives_being_written(name: str) -> None:
    net = proto.read_net(FOLDER / name)
    assert len(net.layer) > 0
    assert not net.layers
    assert not net.input
    assert text.parse(text.format(net), caffe_pb2.NetParameter) == net


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize("name", NETS)
def test_a_net_is_built(name: str, phase: str, folder: Path) -> None:
    skip_unless_it_can_be_built(name, phase)
    lay_out(FOLDER / name, folder)
    for stage in STAGES.get((name, phase), [""]):
        graph = Graph(FOLDER / name, phase=phase, stages=[stage] if stage else [], seed=1)
        assert all(blob.count > 0 for blob in graph.blobs.values())
        assert graph.outputs
        assert str(graph).count("\n") > len(graph.nodes)
        assert graph.parameter_count == COUNTS.get(name, graph.parameter_count)


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize("name", NETS)
def test_a_net_is_deployed(name: str, phase: str, folder: Path) -> None:
    """As a net that takes two images and gives two answers, whatever it read, with all that it learned."""
    skip_unless_it_can_be_built(name, phase)
    lay_out(FOLDER / name, folder)
    for stage in STAGES.get((name, phase), [""]):
        graph = Graph(FOLDER / name, phase=phase, stages=[stage] if stage else [], seed=1)
        made = Graph(deploy_definition(graph, 2))
        assert made.inputs
        assert {made.blobs[blob].shape[0] for blob in (*made.inputs, *made.outputs)} == {2}
        assert {node.name for node in made.nodes if not node.bottom} <= set(made.inputs)
        assert made.parameter_count == graph.parameter_count


@pytest.mark.parametrize("name", [n for n in NETS if n.startswith(SMALL)])
def test_small_nets_run(name: str, folder: Path) -> None:
    skip_unless_it_can_be_built(name, "train")
    lay_out(FOLDER / name, folder)
    net = Net(FOLDER / name, phase="train", seed=1)
    net.clear_param_diffs()
    net.forward_backward()
    assert net.first_nonfinite() is None
    if net.loss:
        assert all(parameter.blob.diff.any() for parameter in net.learnable if parameter.lr_mult)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_file_is_read(name: str) -> None:
    param = proto.read_solver(FOLDER / name)
    rule_class(param.type)
    check_policy(param)
    assert learning_rate(param, 0) == pytest.approx(param.base_lr)
    assert 0 <= learning_rate(param, param.max_iter) <= param.base_lr


@pytest.mark.parametrize("name", [n for n in SOLVERS if n.startswith(SMALL)])
def test_small_solvers_train(name: str, folder: Path) -> None:
    """Two updates from a working directory laid out as Caffe's examples expect it."""
    param = proto.read_solver(FOLDER / name)
    net = param.train_net or param.net
    if net and not (FOLDER / net).is_file():
        pytest.skip(f"{name}: {net} is made by a script of its example")
    if net:
        skip_unless_it_can_be_built(net, "train")
        (folder / net).parent.mkdir(parents=True, exist_ok=True)
        (folder / net).write_text((FOLDER / net).read_text())
    lay_out(FOLDER / net if net else param.net_param, folder)
    solver = Solver(param, seed=1, test_initialization=False)
    solver.step(2)
    assert solver.iter == 2
    assert solver.net.first_nonfinite() is None
