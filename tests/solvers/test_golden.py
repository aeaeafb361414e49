"""Ten updates of every rule as Caffe does them, its histories, and going on from its own snapshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from owlkit.solvers.latest import newest_sound
from tests.solvers import golden

CASES = golden.cases() or [pytest.param("sgd_bn", id="reference data missing")]
SNAPSHOTS = ["sgd_bn", "sgd_fixed_momentum_l2", "sgd_shared", "adam_fixed_l2", "rmsprop_fixed_l2"]
SNAPSHOTS += ["sgd_h5_itersize2"]


def run(solver: golden.Solver, data: dict, first: int, last: int) -> None:
    for iteration in range(first, last):
        golden.feed(solver, data, iteration)
        assert solver.lr == pytest.approx(float(data["lr"][iteration]), rel=1e-5)
        solver.step(1)
        golden.compare_params(solver, data, iteration + 1)


@pytest.mark.parametrize("case", CASES)
def test_trajectory(case: str) -> None:
    data = golden.load(case)
    solver = golden.make_solver(case)
    losses: list[float] = []

    def note_loss(event: object) -> None:
        if hasattr(event, "images"):
            # What Caffe's blob holds is the loss of the last of iter_size batches; only HDF5 gives it others.
            losses.append(solver.net.loss if "_h5_" in case else event.loss)  # type: ignore[attr-defined]

    solver.add_listener(note_loss)
    for first, last in ((0, 5), (5, 10)):
        run(solver, data, first, last)
        assert len(solver.history) == int(data[f"history{last}_n"])
        assert solver.current_step == int(data[f"current_step{last}"])
        for j, found in enumerate(solver.history):
            golden.assert_close(found, data[f"history{last}/{j}"], f"history {j} after {last} updates")
    assert losses == pytest.approx(data["loss"].tolist(), rel=1e-4)


@pytest.mark.parametrize("suffix", ["", ".h5"])
@pytest.mark.parametrize("case", SNAPSHOTS)
def test_resume_from_caffes_own_snapshot(case: str, suffix: str) -> None:
    data = golden.load(case)
    solver = golden.make_solver(case)
    solver.restore(golden.stored_state(case, 5, suffix))
    assert solver.iter == 5
    golden.compare_params(solver, data, 5)
    if "_h5_" in case:  # Caffe saves no position: 5 iterations of 2 batches of 6 have been read
        layer = solver.net.layer_dict["data"]
        layer.restore_state(layer.state() | {"row": 5 * 2 * 6})
    run(solver, data, 5, 10)
    assert "no .owl file" in solver.notices[-1]


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_snapshots_in_hdf5(case: str, tmp_path: Path) -> None:
    """Written after 5 updates, they hold what Caffe's do and lead on to its 10th."""
    pytest.importorskip("h5py")
    data = golden.load(case)
    solver = golden.make_solver(case, snapshot_format="HDF5", snapshot_prefix=str(tmp_path / "a"))
    run(solver, data, 0, 5)
    _, state = solver.snapshot()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a_iter_5.caffemodel.h5",
        "a_iter_5.solverstate.h5",
        "a_iter_5.solverstate.h5.owl",
    ]
    resumed = golden.make_solver(case)
    resumed.restore(state)
    run(resumed, data, 5, 10)
    assert newest_sound(str(tmp_path / "a")).state == state  # type: ignore[union-attr]


def test_every_stored_state_is_restored() -> None:
    """After 5 and 10 updates, binary and HDF5, with the history as the trajectory has it."""
    for case in SNAPSHOTS:
        data = golden.load(case)
        for iteration, suffix in ((5, ""), (5, ".h5"), (10, ""), (10, ".h5")):
            solver = golden.make_solver(case)
            solver.restore(golden.stored_state(case, iteration, suffix))
            golden.compare_params(solver, data, iteration)
            for j, found in enumerate(solver.history):
                assert np.array_equal(found, data[f"history{iteration}/{j}"])
