"""Solver states against Caffe's own, and the sidecar."""

from pathlib import Path

import numpy as np
import pytest

from owlkit.core.errors import FileFormatError
from owlkit.io.solverstate import (
    SolverStateData,
    read_sidecar,
    read_solverstate,
    sidecar_path,
    write_sidecar,
    write_solverstate,
)
from owlkit.proto import caffe_pb2
from tests.support.shared import shared


@pytest.mark.parametrize("iteration", [5, 10])
def test_golden_states(tmp_path: Path, iteration: int) -> None:
    paths = sorted(shared("golden/solvers").glob(f"*_iter_{iteration}.solverstate"))
    assert paths
    for path in paths:
        state = read_solverstate(path)
        case = path.name.split("_snap_")[0]
        with np.load(path.parent / f"{case}.npz") as golden:
            count = int(golden[f"history{iteration}_n"])
            expected = [golden[f"history{iteration}/{j}"] for j in range(count)]
        assert state.iter == iteration
        assert state.learned_net == f"{case}_snap_iter_{iteration}.caffemodel"
        assert [h.shape for h in state.history] == [h.shape for h in expected]
        assert all(np.array_equal(a, b) for a, b in zip(state.history, expected, strict=True))
        write_solverstate(tmp_path / "s", state)
        written, original = (tmp_path / "s").read_bytes(), path.read_bytes()
        assert caffe_pb2.SolverState.FromString(written) == caffe_pb2.SolverState.FromString(original)


def test_old_state_with_four_numbers() -> None:
    state = read_solverstate(shared("models/lenet/lenet_iter_10000.solverstate"))
    assert state.iter == 10000
    assert state.history[0].shape == (20, 1, 5, 5)


def test_a_caffemodel_is_recognised() -> None:
    with pytest.raises(FileFormatError, match="is not a solverstate: it is a caffemodel"):
        read_solverstate(shared("models/lenet/lenet_iter_10000.caffemodel"))


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_cut_states(tmp_path: Path, cut: int) -> None:
    write_solverstate(tmp_path / "s", SolverStateData(7, "w.caffemodel", 2, [np.ones((4, 5), np.float32)]))
    content = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(content[:-cut])
    with pytest.raises(FileFormatError):
        read_solverstate(tmp_path / "s")


def test_sidecar_keeps_numbers_exactly(tmp_path: Path) -> None:
    path = tmp_path / "s.solverstate"
    rng = np.random.Generator(np.random.Philox(key=3))
    rng.random(7)
    content = {"rng": rng.bit_generator.state, "window": [0.1, float("nan"), np.float64(1 / 3)], "lr": None}
    write_sidecar(path, 12, content)
    back = read_sidecar(path, 12)
    assert back is not None
    other = np.random.Generator(np.random.Philox())
    other.bit_generator.state = back["rng"]
    assert np.array_equal(other.random(9), rng.random(9))
    assert back["window"][2] == 1 / 3
    assert np.isnan(back["window"][1])


def test_sidecar_missing_foreign_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "s.solverstate"
    assert read_sidecar(path, 1) is None
    write_sidecar(path, 1, {})
    with pytest.raises(FileFormatError, match="belongs to iteration 1, the state to 2"):
        read_sidecar(path, 2)
    sidecar_path(path).write_text("{")
    with pytest.raises(FileFormatError, match="delete it"):
        read_sidecar(path, 1)
