"""Every file of Caffe's given in place of another is recognised, and the error says what it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import FileFormatError, NetError, OwlkitError, TrainingError
from owlkit.io.mean import read_mean, write_mean
from owlkit.io.solverstate import read_solverstate
from owlkit.io.stored import read_weights
from owlkit.net import Net
from owlkit.solvers import Solver
from tests.training.small import make_solver, net_param, parameters

pytest.importorskip("h5py")
pytest.importorskip("safetensors")

WEIGHTS, STATE, MEAN = "weights", "state", "mean"
READERS: dict[str, Callable[[Path], Any]] = {WEIGHTS: read_weights, STATE: read_solverstate, MEAN: read_mean}
# file -> what it can be read as, and words by which other readers tell it
FILES = {
    "net_iter_0.caffemodel": (WEIGHTS, r"a caffemodel \(the weights\)"),
    "net_iter_0.caffemodel.h5": (WEIGHTS, r"a caffemodel \(the weights\)|an HDF5 file"),
    "net_iter_0.safetensors": (WEIGHTS, "a safetensors file"),
    "net_iter_0.solverstate": (STATE, "a solverstate"),
    "net_iter_0.solverstate.h5": (STATE, "a solverstate|an HDF5 file"),
    "mean.binaryproto": (MEAN, "a single blob"),
    "mean.npy": (MEAN, r"a NumPy \.npy file"),
    "net.prototxt": ("", "text, perhaps a prototxt"),
    "empty": ("", "empty"),
    "net.onnx": ("", "an ONNX model"),
}
# ir_version 11, producer_name "owlkit", graph, opset_import: as protobuf, also the beginning of a SolverState
ONNX = b"\x08\x0b\x12\x06owlkit\x3a\x03\x12\x01g\x42\x02\x10\x17"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("files")
    for kind in ("BINARYPROTO", "HDF5"):
        solver = make_solver(snapshot_prefix=str(where / "net"), snapshot_format=kind)
        solver.snapshot()
    solver.net.save(where / "net_iter_0.safetensors")
    mean = np.ones((3, 2, 2), np.float32)
    write_mean(where / "mean.binaryproto", mean)
    np.save(where / "mean.npy", mean.astype(np.float64))
    (where / "net.prototxt").write_text('name: "net"')
    (where / "empty").write_bytes(b"")
    (where / "net.onnx").write_bytes(ONNX)
    return where


@pytest.mark.parametrize("purpose", READERS)
@pytest.mark.parametrize("name", FILES)
def test_each_file_to_each_reader(folder: Path, name: str, purpose: str) -> None:
    fits, phrase = FILES[name]
    if fits == purpose:
        READERS[purpose](folder / name)
        return
    with pytest.raises(FileFormatError, match=f"{name} .*it is ({phrase})"):
        READERS[purpose](folder / name)


@pytest.mark.parametrize("name", [name for name, (fits, _) in FILES.items() if fits == WEIGHTS])
def test_weights_given_as_a_snapshot(folder: Path, name: str) -> None:
    solver = make_solver()
    before = parameters(solver)
    hint = "it is a safetensors" if "safetensors" in name else r"holds weights, not the state.*weights=\.\.\."
    with pytest.raises(FileFormatError, match=hint):
        solver.restore(folder / name)
    assert parameters(solver) == before
    assert solver.iter == 0


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_states_that_do_not_fit(folder: Path, suffix: str) -> None:
    """Of another solver, and of a net with other shapes: nothing is changed."""
    state = folder / f"net_iter_0.solverstate{suffix}"
    with pytest.raises(TrainingError, match="state of a SGD solver, this one is Adam"):
        make_solver(type="Adam").restore(state)
    net = net_param()
    net.layer[1].inner_product_param.num_output = 4
    solver = Solver(net, base_lr=0.01, momentum=0.9, seed=3)
    before = parameters(solver)
    with pytest.raises(TrainingError, match=r"history of ip1\[0\] has shape \(5, 6\), expected \(4, 6\)"):
        solver.restore(state)
    assert parameters(solver) == before


@pytest.mark.parametrize("name", [name for name, (fits, _) in FILES.items() if fits == WEIGHTS])
def test_weights_of_other_shapes(folder: Path, name: str) -> None:
    definition = net_param()
    definition.layer[3].inner_product_param.num_output = 4
    net = Net(definition, phase="train", seed=1)
    before = [p.blob.data.copy() for p in net.learnable]
    with pytest.raises(NetError, match=r"ip2 .*learned blob 0 is \(3, 5\) in the file but \(4, 5\)"):
        net.copy_from(folder / name)
    assert all(np.array_equal(p.blob.data, b) for p, b in zip(net.learnable, before, strict=True))


@pytest.mark.parametrize("name", [name for name, (fits, _) in FILES.items() if fits == WEIGHTS])
def test_the_table_of_what_was_loaded(folder: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    definition = net_param()
    definition.layer[3].name = "head"
    net = Net(definition, phase="train", seed=1)
    with caplog.at_level(logging.INFO, "owlkit"):
        report = net.copy_from(folder / name)
    assert (report.loaded, report.missing, report.unused) == (["ip1"], ["head"], ["ip2"])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    lines = record.getMessage().split("\n")
    assert lines[0] == f"weights from {folder / name}: 1 loaded, 1 kept, 1 skipped"
    assert [line.split()[0] for line in lines[3:]] == ["ip1", "head", "ip2"]
    assert "keeps its values" in lines[4]
    caplog.clear()
    with caplog.at_level(logging.INFO, "owlkit"):
        assert Net(net_param(), phase="train").copy_from(folder / name).complete
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_a_mean_in_numpys_format(folder: Path) -> None:
    mean = read_mean(folder / "mean.npy")
    assert np.array_equal(mean, read_mean(folder / "mean.binaryproto"))
    assert mean.dtype == np.float32


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(3), r"shape \(1, C, H, W\) or \(C, H, W\), found \(3,\)"),
        (np.array([[["a"]]]), "values of <U1; a mean image is needed"),
        (np.array([[[object()]]], dtype=object), "cannot be read"),
    ],
)
def test_arrays_that_are_no_mean(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "mean.npy", array, allow_pickle=True)
    with pytest.raises(FileFormatError, match=message):
        read_mean(tmp_path / "mean.npy")


def test_a_mean_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "mean.npy"
    np.save(path, np.ones((3, 20, 20), np.float32))
    path.write_bytes(path.read_bytes().replace(b"(3, 20, 20), ", b"(3, 200000000"[:11] + b"), "))
    with pytest.raises(OwlkitError, match=r"shape \(3, 2000000\) does not fit its .* bytes"):
        read_mean(path)
    for header in (b"{'descr': (", b"(" * 3000, b"[1, 2]", b"{}"):
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        with pytest.raises(OwlkitError, match="cannot be read"):
            read_mean(path)
    path.write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(OwlkitError, match="cannot be read"):
        read_mean(path)
