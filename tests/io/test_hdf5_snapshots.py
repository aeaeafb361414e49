"""Caffe's HDF5 files are read and written as it does, and damaged ones told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.blob import Blob
from owlkit.core.errors import FileFormatError, NetError
from owlkit.io import hdf5_snapshots
from owlkit.io.solverstate import SolverStateData, read_solverstate, write_solverstate
from owlkit.io.stored import read_weights
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.support.shared import shared

h5py = pytest.importorskip("h5py")

SHARED = """name: "shared"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "a/1" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "a/2" type: "InnerProduct" bottom: "a" top: "c" param { name: "w" }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } bias_filler { value: 3 } } }
layer { name: "d" type: "InnerProduct" bottom: "c" top: "d" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 5 } }
"""


def shared_net(seed: int) -> Net:
    return Net(text.parse(SHARED, caffe_pb2.NetParameter), seed=seed)


def layout(path: Path) -> dict[str, Any]:
    """Name -> (shape, HDF5's type) of everything in a file; None for a group."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        found[name] = (item.shape, item.id.get_type()) if isinstance(item, h5py.Dataset) else None

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def golden(pattern: str) -> list[Path]:
    paths = sorted(shared("golden/solvers").glob(pattern))
    assert paths
    return paths


def test_caffes_weights_and_back(tmp_path: Path) -> None:
    """Binary and HDF5 files of one training hold the same; what is written has Caffe's layout."""
    for path in golden("*_iter_10.caffemodel.h5"):
        case = path.name.split("_snap_")[0]
        with np.load(path.parent / f"{case}.npz") as stored:
            definition = text.parse(str(stored["net_prototxt"]), caffe_pb2.NetParameter)
        for layer in definition.layer:
            if layer.type == "HDF5Data":
                layer.hdf5_data_param.source = str(path.parent / layer.hdf5_data_param.source)
        net, other = Net(definition, phase="train", seed=1), Net(definition, phase="train", seed=2)
        report = net.copy_from(path)
        assert report.missing == report.unused == []
        other.copy_from(path.with_suffix(""))
        assert [p.blob.data.tobytes() for p in net.learnable] == [
            p.blob.data.tobytes() for p in other.learnable
        ]
        net.save(tmp_path / "again.caffemodel.h5")
        assert layout(tmp_path / "again.caffemodel.h5") == layout(path)


def test_caffes_states_and_back(tmp_path: Path) -> None:
    for path in golden("*.solverstate.h5"):
        state, binary = read_solverstate(path), read_solverstate(path.with_suffix(""))
        assert (state.iter, state.current_step) == (binary.iter, binary.current_step)
        assert state.learned_net == binary.learned_net + ".h5"
        assert [h.tobytes() for h in state.history] == [h.tobytes() for h in binary.history]
        write_solverstate(tmp_path / "again.solverstate.h5", state)
        assert layout(tmp_path / "again.solverstate.h5") == layout(path)


def test_the_string_ends_with_a_zero(tmp_path: Path) -> None:
    """Caffe reads as many bytes as are stored, then on to a zero."""
    write_solverstate(tmp_path / "s.h5", SolverStateData(1, "weights"))
    kind = layout(tmp_path / "s.h5")["learned_net"][1]
    assert (kind.get_size(), kind.get_strpad()) == (len("weights") + 1, h5py.h5t.STR_NULLTERM)
    assert read_solverstate(tmp_path / "s.h5").learned_net == "weights"


def test_many_histories_keep_their_order(tmp_path: Path) -> None:
    history = [np.full((2,), i, np.float32) for i in range(12)]
    write_solverstate(tmp_path / "s.h5", SolverStateData(1, "", 0, history))
    assert [int(h[0]) for h in read_solverstate(tmp_path / "s.h5").history] == list(range(12))


@pytest.mark.parametrize("kind", [".caffemodel.h5", ".caffemodel", ".safetensors"])
def test_shared_parameters(tmp_path: Path, kind: str) -> None:
    net, other = shared_net(1), shared_net(2)
    net.learnable[1].blob.data[...] = [1, 2, 3, 4, 5]
    net.save(tmp_path / f"x{kind}")
    report = other.copy_from(tmp_path / f"x{kind}")
    assert [p.blob.data.tolist() for p in other.learnable] == [p.blob.data.tolist() for p in net.learnable]
    assert report.missing == report.unused == []
    if kind != ".caffemodel":
        assert (report.loaded, report.shared) == (["a/1", "a/2"], ["d"])
        assert "shared with an earlier layer" in str(report)
        assert {n: list(b) for n, b in read_weights(tmp_path / f"x{kind}").layers.items()} == {
            "a/1": [0, 1],
            "a/2": [1],
        }


def test_a_blob_without_axes(tmp_path: Path) -> None:
    """The slope of a PReLU that is shared by all channels."""
    more = (
        SHARED + 'layer { name: "p" type: "PReLU" bottom: "d" top: "p" prelu_param { channel_shared: true } }'
    )
    net = Net(text.parse(more, caffe_pb2.NetParameter))
    net.save(tmp_path / "x.h5")
    assert layout(tmp_path / "x.h5")["data/p/0"][0] == ()
    assert net.copy_from(tmp_path / "x.h5").loaded[-1] == "p"


def test_gradients_are_stored_with_every_layer(tmp_path: Path) -> None:
    net = shared_net(1)
    net.save_hdf5(tmp_path / "x.h5", write_diff=True)
    found = layout(tmp_path / "x.h5")
    assert {name for name, item in found.items() if item} == {
        *("data/a/1/0", "data/a/1/1", "data/a/2/1"),
        *(f"diff/{layer}/{i}" for layer in ("a/1", "a/2", "d") for i in (0, 1)),
    }
    assert "data/d" in found
    assert "data/x" in found


def test_gradients_that_are_not_stored_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training waits while they are copied, and from a GPU they would be fetched."""
    read, peek = [], Blob.peek
    monkeypatch.setattr(Blob, "peek", lambda blob, role="data": read.append(role) or peek(blob, role))
    for suffix in (".h5", ".caffemodel", ".safetensors"):
        shared_net(1).save(tmp_path / f"x{suffix}")
    assert set(read) == {"data"}


def test_a_blob_that_only_the_file_shares(tmp_path: Path) -> None:
    shared_net(1).save(tmp_path / "x.h5")
    definition = text.parse(SHARED, caffe_pb2.NetParameter)
    del definition.layer[2].param[:]
    with pytest.raises(NetError, match=r"a/2 .*the file has 1 learned blobs for it \(number 1\), the net 2"):
        Net(definition).copy_from(tmp_path / "x.h5")


@pytest.mark.parametrize("name", ["/a", "a//b", "a/", "."])
def test_names_that_are_no_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match=r"cannot be stored in HDF5.*\.caffemodel"):
        hdf5_snapshots.write_weights(tmp_path / "x.h5", [hdf5_snapshots.LayerBlobs(name)])
    assert list(tmp_path.iterdir()) == []


def bad_cases() -> dict[str, Any]:
    def external(file: Any) -> None:
        file["data/ip"] = h5py.ExternalLink("/etc/hostname", "/")

    def unwritten(file: Any) -> None:
        file.create_dataset("data/ip/0", (1 << 40,), "f4", chunks=(1 << 10,))

    def circle(file: Any) -> None:
        file["data/ip/again"] = file.create_group("data/ip")

    return {
        "link to another file": external,
        "too few": unwritten,
        "contains itself": circle,
        "is not numbered": lambda file: file.create_dataset("data/ip/weights", data=np.ones(2)),
        "numbers are needed": lambda file: file.create_dataset("data/ip/0", data=b"text"),
        "it is a solverstate": lambda file: file.update({"history/0": [1.0], "iter": 1}),
        "an HDF5 file with 'label'": lambda file: file.update({"label": [1.0]}),
    }


@pytest.mark.parametrize("message", bad_cases())
def test_files_that_are_no_weights(tmp_path: Path, message: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        bad_cases()[message](file)
    with pytest.raises(FileFormatError, match=message):
        read_weights(tmp_path / "x.h5")


@pytest.mark.parametrize("keep", [8, 100, 900, -1])
def test_cut_files(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.h5"
    shared_net(1).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match="damaged or cut short"):
        read_weights(path)


def test_weights_given_as_a_state_and_the_reverse(tmp_path: Path) -> None:
    shared_net(1).save(tmp_path / "x.h5")
    with pytest.raises(FileFormatError, match="is not a solverstate: it is a caffemodel"):
        read_solverstate(tmp_path / "x.h5")
    write_solverstate(tmp_path / "s.h5", SolverStateData(1, "", 0, [np.ones(2, np.float32)]))
    with pytest.raises(FileFormatError, match="is not a caffemodel: it is a solverstate"):
        shared_net(1).copy_from(tmp_path / "s.h5")
