"""inspect, diff, upgrade-net, upgrade-solver and draw, on files of Caffe's own where there are some."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from owlkit import proto
from owlkit.cli.main import main
from owlkit.io.mean import write_mean
from owlkit.io.weights import read_caffemodel, write_caffemodel
from owlkit.net import Net
from tests.support.sets import random_images, write_set
from tests.support.shared import shared

SOLVER = 'net: "a.prototxt" base_lr: 0.1 lr_policy: "fixed"'


def printed(words: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> str:
    capsys.readouterr()
    assert main(words) == status
    return capsys.readouterr().out


# -- inspect
def test_inspect_a_net(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(shared("models/lenet/deploy.prototxt"))
    out = printed(["inspect", path], capsys)
    assert "LeNet (test)\n9 layers, 431 k parameters, 147 M multiply-adds" in out
    (row,) = (line for line in out.splitlines() if line.startswith("conv2"))
    cells = ["conv2", "Convolution", "50 of 5x5", "pool1", "64x50x8x8", "25.1 k", "102 M"]
    assert re.split(r"  +", row) == cells
    found = json.loads(printed(["inspect", path, "--json"], capsys))
    assert found["parameters"] == 431080
    assert found["layers"][1] == {
        "name": "conv1",
        "type": "Convolution",
        "bottom": ["data"],
        "top": ["conv1"],
        "shapes": [[64, 20, 24, 24]],
        "parameters": 520,
        "multiply_adds": 18432000,
    }


def test_inspect_a_net_whose_data_are_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(shared("models/bvlc/examples/mnist/lenet_train_test.prototxt"))
    out = printed(["inspect", path, "--phase", "train"], capsys)
    assert "LeNet (train)\n9 layers\n" in out
    assert "no shapes, because the net cannot be made here: mnist (Data): there is no LMDB set" in out


def test_inspect_weights_and_a_state(capsys: pytest.CaptureFixture[str]) -> None:
    weights = shared("models/lenet/lenet_iter_10000.caffemodel")
    found = json.loads(printed(["inspect", str(weights), "--json"], capsys))
    blob = next(layer for layer in read_caffemodel(weights).layer if layer.name == "conv1").blobs[0]
    assert found["blobs"][0]["layer"] == "conv1"
    assert found["blobs"][0]["mean"] == pytest.approx(np.mean(blob.data))
    assert found["blobs"][0]["max"] == pytest.approx(max(blob.data))
    out = printed(["inspect", str(weights.with_suffix(".solverstate"))], capsys)
    assert "state of a solver after 10,000 iterations" in out
    assert "weights: examples/mnist/lenet_iter_10000.caffemodel" in out
    assert "no .owl file beside it" in out


def test_inspect_several_of_other_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The kind is that of the content, not of the name."""
    (tmp_path / "anything").write_text(SOLVER)
    mean = np.ones((2, 3, 4), np.float32)
    mean[1, 0, 0] = np.nan
    write_mean(tmp_path / "mean", mean)
    names = [tmp_path / "anything", tmp_path / "mean"]
    names.append(write_set(tmp_path / "set", random_images(3), [1, 1, 2]))
    out = printed(["inspect", *map(str, names)], capsys)
    assert "anything: solver of type SGD" in out
    assert "base_lr    0.1\n" in out
    assert "mean image, (C, H, W) = (2, 3, 4)" in out
    assert "1: 1 of 12 values are not finite" in out
    assert "3 records, the first is (C, H, W) = (3, 8, 9), raw uint8" in out
    found = json.loads(printed(["inspect", *map(str, names), "--json"], capsys))
    assert [each["kind"] for each in found] == ["solver", "mean image", "LMDB set"]
    assert found[2]["labels"] == {"1": 2, "2": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"\x89PNG\r\n", "is a PNG image: nothing that can be shown"),
        ("a.caffemodel", b"\xff\xfe\xfd\x00", "a.caffemodel is not a caffemodel: it is damaged"),
        (
            "a.prototxt",
            b'layer { name: "a" tpye: "ReLU" }',
            "a.prototxt:1:19: LayerParameter has no field 'tpye'",
        ),
        ("a.prototxt", b'net: "x"\nbase_rl: 1', "a.prototxt:2:1: SolverParameter has no field 'base_rl'"),
    ],
)
def test_what_cannot_be_inspected(
    name: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["inspect", str(tmp_path / name)]) == 1
    assert message in capsys.readouterr().err


def test_a_narrow_terminal_gets_fewer_columns(tmp_path: Path) -> None:
    from owlkit.inspection.files import inspect_file

    name = "fire2/relu_squeeze1x1_of_a_long_name"
    layers = "".join(
        f'layer {{ name: "{name}{i}" type: "InnerProduct" bottom: "x{i}" top: "x{i + 1}"'
        " inner_product_param { num_output: 3 } }\n"
        for i in range(2)
    )
    path = tmp_path / "n.prototxt"
    path.write_text(
        'layer { name: "x0" type: "Input" top: "x0" input_param { shape { dim: 2 dim: 5 } } }' + layers
    )
    report = inspect_file(path)
    wide, narrow = report.text().splitlines()[2], report.text(80).splitlines()[2]
    assert wide.split() == ["layer", "type", "settings", "bottom", "top", "params", "mult-adds"]
    assert narrow.split() == ["layer", "type", "settings", "top", "params"]
    assert report._repr_html_().count("<tr>") == 4


def test_inspect_and_diff_weights_of_any_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = shared("models/lenet/lenet_iter_10000.caffemodel")
    net = Net(shared("models/lenet/deploy.prototxt"), weights=old)
    for name in ("a.caffemodel.h5", "a.safetensors"):
        net.save(tmp_path / name)
        out = printed(["inspect", str(tmp_path / name)], capsys)
        assert f"{name}: weights\n4 layers, 8 blobs, 431 k values" in out
        assert "weights: no difference" in printed(["diff", str(old), str(tmp_path / name)], capsys)
    golden = shared("golden/solvers/adam_fixed_l2_snap_iter_5.solverstate.h5")
    assert "state of a solver after 5 iterations" in printed(["inspect", str(golden)], capsys)
    assert "no difference" in printed(["diff", str(golden), str(golden).removesuffix(".h5")], capsys)


# -- diff
def test_diff_of_definitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Comments, the order of fields and the age of the format are no difference."""
    old = tmp_path / "old.prototxt"
    old.write_text('layers { name: "r" type: RELU bottom: "a" top: "b" relu_param { negative_slope: 0.1 } }')
    same = tmp_path / "same.prototxt"
    same.write_text(
        '# new\nlayer { type: "ReLU" name: "r" relu_param { negative_slope: 0.1 } top: "b" bottom: "a" }'
    )
    assert "net: no difference" in printed(["diff", str(old), str(same)], capsys)
    other = tmp_path / "other.prototxt"
    other.write_text(same.read_text().replace("0.1", "0.2") + 'layer { name: "s" type: "TanH" }')
    out = printed(["diff", str(old), str(other)], capsys, 5)
    assert "r: relu_param.negative_slope  0.1  0.2" in out
    assert "net: 2 differences" in out
    found = json.loads(printed(["diff", str(old), str(other), "--json"], capsys, 5))
    assert found["differences"][1] == {"place": "s", "a": "-", "b": "TanH"}
    assert printed(["diff", str(old), str(other), "--quiet"], capsys, 5) == ""


def test_diff_of_solvers_of_caffes(capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared("models/bvlc/examples/mnist")
    words = ["diff", str(folder / "lenet_solver.prototxt"), str(folder / "lenet_solver_adam.prototxt")]
    out = printed(words, capsys, 5)
    assert "solver: base_lr       0.01    0.001" in out
    assert "solver: momentum2     -       0.999" in out


def test_diff_of_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = shared("models/lenet/lenet_iter_10000.caffemodel")
    net = read_caffemodel(weights)
    same = tmp_path / "same.caffemodel"
    write_caffemodel(same, net)
    assert "weights: no difference" in printed(["diff", str(weights), str(same)], capsys)
    layer = next(layer for layer in net.layer if layer.name == "conv1")
    layer.blobs[0].data[7] += 0.5
    del next(layer for layer in net.layer if layer.name == "ip2").blobs[:]
    changed = tmp_path / "changed.caffemodel"
    write_caffemodel(changed, net)
    words = ["diff", str(weights), str(changed), "--json"]
    found = json.loads(printed(words, capsys, 5))["differences"]
    assert [each["blob"] for each in found] == ["conv1[0]", "ip2[0]", "ip2[1]"]
    assert found[0]["largest"] == pytest.approx(0.5, abs=1e-6)
    assert found[0]["share"] == pytest.approx(1 / 500)
    assert found[1] == {"blob": "ip2[0]", "a": "10x500", "b": None}
    for tolerance in (["--atol", "0.6"], ["--rtol", "1e9"]):
        close = json.loads(printed([*words, *tolerance], capsys, 5))["differences"]
        assert [each["blob"] for each in close] == ["ip2[0]", "ip2[1]"]
    found = json.loads(printed([*words, "--atol", "0.4"], capsys, 5))["differences"]
    assert [each["blob"] for each in found] == ["conv1[0]", "ip2[0]", "ip2[1]"]


def test_diff_of_states(capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared("golden/solvers")
    first, second = (folder / f"adam_fixed_l2_snap_iter_{k}.solverstate" for k in (5, 10))
    out = printed(["diff", str(first), str(second)], capsys, 5)
    assert "state: 9 differences" in out
    assert out.splitlines()[5].split() == ["iter", "scalar", "scalar", "5", "100", "%"]
    assert "state: no difference" in printed(["diff", str(first), str(first)], capsys)


def test_diff_of_different_things(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s").write_text(SOLVER)
    (tmp_path / "n").write_text('layer { name: "a" type: "ReLU" bottom: "a" top: "b" }')
    assert main(["diff", str(tmp_path / "s"), str(tmp_path / "n")]) == 1
    assert "of the kind solver" in capsys.readouterr().err


# -- upgrade
def test_upgrade_a_definition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = shared("models/lenet/deploy_v1.prototxt"), tmp_path / "new.prototxt"
    assert main(["upgrade_net", str(old), str(new)]) == 0
    assert "8 layers of the format before May 2014 (V1) upgraded" in capsys.readouterr().err
    text = new.read_text()
    assert "layers {" not in text
    assert 'type: "InnerProduct"' in text
    assert proto.read_net(new) == proto.read_net(old)
    assert main(["upgrade-net", str(new), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False
    assert printed(["upgrade-net", str(old)], capsys) == text


def test_upgrade_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = shared("models/lenet/lenet_iter_10000.caffemodel"), tmp_path / "new.caffemodel"
    assert main(["upgrade-net", str(old), str(new)]) == 0
    assert read_caffemodel(new) == read_caffemodel(old)
    assert len(type(read_caffemodel(old)).FromString(new.read_bytes()).layers) == 0
    assert main(["upgrade-net", str(old)]) == 2
    assert "name a file to write" in capsys.readouterr().err


def test_upgrade_a_solver(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.prototxt", tmp_path / "new.prototxt"
    old.write_text('net: "a" base_lr: 0.01 solver_type: NESTEROV')
    assert main(["upgrade_solver", str(old), str(new)]) == 0
    assert 'solver_type NESTEROV became type "Nesterov"' in capsys.readouterr().err
    assert 'type: "Nesterov"' in new.read_text()
    assert "base_lr: 0.01\n" in new.read_text()


@pytest.mark.parametrize("command", ["upgrade-net", "upgrade-solver"])
def test_upgrade_what_is_nothing_of_the_kind(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\0")
    assert main([command, str(tmp_path / "a.png"), str(tmp_path / "b")]) == 1
    assert "a.png" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


# -- export
def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, weights = (
        str(shared("models/lenet/deploy.prototxt")),
        str(shared("models/lenet/lenet_iter_10000.caffemodel")),
    )
    target = tmp_path / "lenet.safetensors"
    assert main(["export", net, weights, str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert "no difference" in printed(["diff", weights, str(target)], capsys)
    onnxruntime = pytest.importorskip("onnxruntime")
    target = tmp_path / "lenet.onnx"
    assert main(["export", net, weights, str(target), "--dynamic_batch"]) == 0
    x = np.random.default_rng(1).random((3, 1, 28, 28), dtype=np.float32)
    (found,) = onnxruntime.InferenceSession(str(target)).run(None, {"data": x})
    lenet = Net(net, weights=weights)
    lenet.blobs["data"].reshape(x.shape)
    np.testing.assert_allclose(found, lenet.forward(data=x)["prob"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("option", [["--dynamic_batch"], ["--opset", "20"]])
def test_options_of_onnx_are_refused_for_safetensors(
    tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a.safetensors"
    with pytest.raises(SystemExit) as exited:
        main(["export", "deploy.prototxt", "a.caffemodel", str(target), *option])
    assert exited.value.code == 2
    assert "are for ONNX; leave them out" in capsys.readouterr().err
    assert not target.exists()


def test_export_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, weights = shared("models/lenet/deploy.prototxt"), shared("models/lenet/lenet_iter_10000.caffemodel")
    assert main(["export", str(net), str(weights), str(tmp_path / "a.pt")]) == 1
    assert "a.pt: the ending says what is written: .onnx or .safetensors" in capsys.readouterr().err
    own = tmp_path / "own.prototxt"
    own.write_text(
        net.read_text() + 'layer { name: "p" type: "Accuracy" bottom: "prob" bottom: "prob" top: "p" }'
    )
    assert main(["export", str(own), str(weights), str(tmp_path / "a.onnx")]) == 1
    assert list(tmp_path.glob("a.*")) == []


# -- draw
def test_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Graphviz
    net = str(shared("models/bvlc/examples/mnist/lenet_train_test.prototxt"))
    target = tmp_path / "net.svg"
    assert main(["draw", net, str(target), "--rankdir", "TB", "--phase", "TEST"]) == 0
    texts = [element.text for element in ElementTree.parse(target).iter() if element.tag.endswith("text")]
    assert {"mnist", "conv1", "accuracy", "loss"} <= set(texts)
    assert main(["draw", net, str(target), "--phase", "train"]) == 0
    assert "accuracy" not in target.read_text()
    assert main(["draw", net, str(tmp_path / "net.png")]) == 1
    assert "needs Graphviz" in capsys.readouterr().err
    assert not (tmp_path / "net.png").exists()


def test_draw_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.prototxt").write_text('name: "empty"')
    assert main(["draw", str(tmp_path / "a.prototxt"), str(tmp_path / "a.svg")]) == 1
    assert "has no layers to draw" in capsys.readouterr().err


def test_output_that_nobody_reads_any_more() -> None:
    """`owlkit inspect ... | head -1`: no traceback."""
    path = shared("models/resnet20_cifar10/deploy.prototxt")
    command = f"'{sys.executable}' -m owlkit inspect '{path}' '{path}' '{path}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
