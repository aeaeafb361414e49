"""Snapshots in HDF5 lead on with the same bits, as binary ones do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from owlkit.core.errors import DataError, FileFormatError
from owlkit.io.stored import read_weights
from owlkit.solvers.latest import newest_sound
from tests.training.small import make_solver, parameters, with_tests

h5py = pytest.importorskip("h5py")


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_resuming_is_bit_identical(tmp_path: Path, kind: str) -> None:
    whole = with_tests(type=kind, average_loss=4)
    whole.step(12)
    first = with_tests(
        type=kind, average_loss=4, snapshot=5, snapshot_format="HDF5", snapshot_prefix=str(tmp_path / "a")
    )
    first.step(7)
    found = newest_sound(str(tmp_path / "a"))
    assert found is not None
    assert found.state.name == "a_iter_5.solverstate.h5"
    resumed = with_tests(type=kind, average_loss=4, seed=77)  # all that matters is in the snapshot
    resumed.restore(found.state)
    resumed.step(7)
    assert parameters(resumed) == parameters(whole)
    assert [h.tobytes() for h in resumed.history] == [h.tobytes() for h in whole.history]
    assert resumed.smoothed_loss == whole.smoothed_loss
    assert resumed.test() == whole.test()


def test_weights_of_a_solver(tmp_path: Path) -> None:
    first = make_solver(snapshot_format="HDF5", snapshot_prefix=str(tmp_path / "a"))
    model, _ = first.snapshot()
    assert parameters(make_solver(seed=8, weights=model)) == parameters(first)


def test_gradients(tmp_path: Path) -> None:
    solver = make_solver(snapshot_format="HDF5", snapshot_diff=True, snapshot_prefix=str(tmp_path / "a"))
    solver.step(1)
    model, _ = solver.snapshot()
    with h5py.File(model) as file:
        for layer, blobs in solver.net.params.items():
            for index, blob in enumerate(blobs):
                assert (file[f"diff/{layer}/{index}"][...] == blob.diff).all()
    assert sorted(read_weights(model).layers) == ["ip1", "ip2"]


@pytest.mark.parametrize("name", ["a_iter_2.caffemodel.h5", "a_iter_2.solverstate.h5"])
def test_damaged_files_are_told(tmp_path: Path, name: str) -> None:
    solver = make_solver(snapshot_format="HDF5", snapshot_prefix=str(tmp_path / "a"))
    for _ in range(2):
        solver.step(1)
        solver.snapshot()
    path = tmp_path / name
    whole = bytearray(path.read_bytes())
    changed = bytes(whole[:-9]) + bytes([whole[-9] ^ 255]) + bytes(whole[-8:])
    for content in (whole[:100], whole[:-1], changed):
        path.write_bytes(content)
        found = newest_sound(str(tmp_path / "a"))
        assert found is not None
        assert found.iteration == 1
        with pytest.raises(FileFormatError, match="damaged"):
            make_solver().restore(tmp_path / "a_iter_2.solverstate.h5")


def test_without_h5py_the_solver_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is told before the training, not at its first snapshot."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"pip install 'owlkit\[hdf5\]'"):
        make_solver(snapshot_format="HDF5")
