"""Weights as safetensors: names that others understand, and back again."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import DataError, FileFormatError, NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text

library = pytest.importorskip("safetensors.numpy")

NET = """name: "n"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "a.b/1x1" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "y" top: "y" }
layer { name: "p" type: "PReLU" bottom: "y" top: "y" prelu_param { channel_shared: true } }
layer { name: "q" type: "Parameter" top: "q" parameter_param { shape { dim: 2 } } }
"""


def net(seed: int) -> Net:
    return Net(text.parse(NET, caffe_pb2.NetParameter), seed=seed)


def test_names_and_values(tmp_path: Path) -> None:
    first, other = net(1), net(2)
    for index, blob in enumerate(first.params["bn"]):
        blob.data[...] = index + 1
    path = owlkit.export_safetensors(first, tmp_path / "x.safetensors")
    stored = library.load_file(path)
    assert sorted(stored) == [
        "a.b/1x1.bias",
        "a.b/1x1.weight",
        *("bn.factor", "bn.mean_times_factor", "bn.variance_times_factor"),
        "p.weight",
        "q.0",
    ]
    assert stored["a.b/1x1.weight"].shape == (3, 2, 1, 1)
    assert stored["p.weight"].shape == ()
    report = other.copy_from(path)
    assert report.missing == report.unused == []
    assert [p.blob.data.tobytes() for p in other.learnable] == [
        p.blob.data.tobytes() for p in first.learnable
    ]


def test_files_of_others(tmp_path: Path) -> None:
    """Without owlkit's metadata the names say layer and blob; float16 is widened."""
    path = tmp_path / "x.safetensors"
    weight = np.arange(6, dtype=np.float16).reshape(3, 2, 1, 1)
    library.save_file({"a.b/1x1.weight": weight, "a.b/1x1.bias": np.ones(3, np.float32)}, path)
    found = net(1)
    report = found.copy_from(path)
    assert (report.loaded, report.missing) == (["a.b/1x1"], ["bn", "p", "q"])
    assert np.array_equal(found.params["a.b/1x1"][0].data, weight)


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ({"conv": np.ones(2, np.float32)}, FileFormatError, r"name it <layer>\.weight"),
        ({"bn.running_mean": np.ones(2, np.float32)}, FileFormatError, "names no learned blob"),
        ({"p.weight": np.ones(2, np.int64)}, FileFormatError, "floats are needed"),
        (
            {"p.weight": np.ones(2, np.float32), "p.0": np.ones(2, np.float32)},
            FileFormatError,
            "both learned",
        ),
        ({"p.weight": np.ones(2, np.float32)}, NetError, r"learned blob 0 is \(2,\) in the file but \(\)"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, tensors: dict, error: type, message: str) -> None:
    library.save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(error, match=message):
        net(1).copy_from(tmp_path / "x.safetensors")


def test_values_that_numpy_lacks(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = b'{"p.weight":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(2))
    with pytest.raises(FileFormatError, match="values of type BF16; convert them"):
        net(1).copy_from(path)


def test_a_negative_index_in_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    metadata = {"owlkit.blobs": '{"p.weight": ["p", -1]}'}
    library.save_file({"p.weight": np.ones((), np.float32)}, path, metadata)
    with pytest.raises(FileFormatError, match="index is negative"):
        net(1).copy_from(path)


@pytest.mark.parametrize("phase", ["train", "test"])
def test_weights_are_those_of_either_phase(tmp_path: Path, phase: str) -> None:
    made = Net(text.parse(NET, caffe_pb2.NetParameter), phase=phase, seed=3)
    path = owlkit.export_safetensors(made, tmp_path / "x.safetensors")
    assert np.array_equal(library.load_file(path)["a.b/1x1.weight"], made.params["a.b/1x1"][0].data)


@pytest.mark.parametrize("keep", [12, 60, -1])
def test_cut_files(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.safetensors"
    net(1).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match="damaged safetensors"):
        net(1).copy_from(path)


def test_a_name_that_says_another_format(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"ends in \.safetensors"):
        owlkit.export_safetensors(net(1), tmp_path / "x.caffemodel")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(DataError, match=r"pip install 'owlkit\[export\]'"):
        net(1).save(tmp_path / "x.safetensors")


def test_weights_for_some_layers_only_are_not_exported(tmp_path: Path) -> None:
    part = net(1).to_proto()
    del next(layer for layer in part.layer if layer.name == "p").blobs[:]
    (tmp_path / "part.caffemodel").write_bytes(part.SerializeToString())
    definition = text.parse(NET, caffe_pb2.NetParameter)
    with pytest.raises(NetError, match="no weights for p, which would be exported untrained"):
        owlkit.export_safetensors(
            definition, tmp_path / "x.safetensors", weights=tmp_path / "part.caffemodel"
        )
    assert not (tmp_path / "x.safetensors").exists()
