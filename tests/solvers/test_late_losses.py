"""Losses that are looked at one iteration late, on the stand-in: nothing but the waiting is different."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, NetSpec, Solver
from owlkit.core.errors import DataError
from owlkit.core.events import IterationDone
from owlkit.core.gpu.driver import SMALL
from owlkit.solvers import DivergedError
from tests.support import emulated_gpu
from tests.support.sets import random_images, write_set

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
RECORDS, BATCH = 24, 4


def definition(source: Path) -> NetSpec:
    n, filler = NetSpec("small"), dict(type="xavier")
    n.data, n.label = L.Data(
        source=str(source), batch_size=BATCH, backend="LMDB", ntop=2, transform_param=dict(scale=1 / 128)
    )
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=filler)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.drop = L.Dropout(n.relu1, in_place=True)
    n.fc = L.InnerProduct(n.drop, num_output=3, weight_filler=filler)
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    return n


def make(source: Path, late: bool = True, **options: Any) -> Solver:
    """late : whether nobody looks, so that losses may be read late."""
    device = emulated_gpu.emulated_device(graph=options.pop("graph", None))
    fields = {
        "base_lr": 0.05,
        "momentum": 0.9,
        "weight_decay": 1e-3,
        "display": 0,
        "average_loss": 3,
    } | options
    solver = Solver(definition(source), device=device, seed=5, **fields)
    if not late:
        solver.add_listener(lambda event: None)
    return solver


def records(folder: Path, labels: list[int] | None = None) -> Path:
    labels = [i % 3 for i in range(RECORDS)] if labels is None else labels
    return write_set(folder, random_images(RECORDS, (3, 8, 8)), labels)


def everything(solver: Solver) -> dict[str, bytes]:
    found = {p.name: p.blob.peek().tobytes() for p in solver.net.learnable}
    found |= {f"history {i}": h.tobytes() for i, h in enumerate(solver.history)}
    return found | {"loss": str(solver.smoothed_loss).encode(), "state": repr(solver.net.state()).encode()}


def read_late(solver: Solver) -> list[int]:
    """Fills with the iterations that were not waited for."""
    seen: list[int] = []

    def note(event: Any) -> None:
        if isinstance(event, IterationDone) and event.late:
            seen.append(event.iter - 1)

    solver.add_listener(note, at_rest=lambda: False)
    return seen


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"graph": False},
        {"iter_size": 2},
        {"dtype": "float16"},
        {"type": "Adam", "momentum": 0.9},
        {"display": 3},
    ],
    ids=str,
)
def test_nothing_else_is_different(options: Any, tmp_path: Path) -> None:
    source = records(tmp_path / "set")
    late, waiting, plain = (make(source, late=each, **options) for each in (True, False, True))
    plain.add_callback(lambda: None, lambda: None)  # pass by pass, and the loss before the update
    seen, never = read_late(late), read_late(waiting)
    for solver in (late, waiting, plain):
        solver.step(5)
        solver.step(4)
    expected = [1, 2, 3, 5, 6, 7]  # not the first of a new net, and not the last of those asked for
    shown = options.get("display", 100)
    assert seen == [i for i in expected if i % shown and (i + 1) % shown]  # nor one before a display
    assert never == [], "what it is compared with has waited"
    mine = everything(late)
    for theirs in (everything(waiting), everything(plain)):
        assert [name for name in theirs if mine[name] != theirs[name]] == []


def test_snapshots_and_tests_find_all_losses_read(tmp_path: Path) -> None:
    source = records(tmp_path / "set")
    fields = {
        "snapshot": 3,
        "snapshot_prefix": str(tmp_path / "s"),
        "test": definition(source),
        "test_iter": [2],
    }
    late, waiting = make(source, test_interval=4, **fields), make(source, False, test_interval=4, **fields)
    seen = read_late(late)
    late.step(9)
    assert seen == [1, 4, 6]
    waiting.step(9)
    again = make(source)
    again.restore(tmp_path / "s_iter_6.solverstate")
    again.step(3)
    assert everything(again) == everything(late) == everything(waiting)


def test_a_loss_that_is_no_number_changes_nothing(tmp_path: Path) -> None:
    found = []
    for late in (True, False):
        source = records(tmp_path / f"set {late}")
        solver = make(source, late)
        solver.step(3)
        solver.net.params["fc"][1].data[...] = np.nan
        before = everything(solver)
        with pytest.raises(DivergedError) as caught:
            solver.step(6)
        after = everything(solver)
        assert [name for name in before if name != "state" and before[name] != after[name]] == []
        found.append((str(caught.value), solver.iter, solver.net.state()["layers"]["data"]["batch"]))
        solver.net.params["fc"][1].data[...] = 0
        solver.step(3)
        assert solver.iter == 6
    assert found[0] == found[1]
    assert "loss of iteration 3 is nan, first in layer 'fc', blob 'fc[1]'" in found[0][0]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_first_of_several_batches_holds_the_update_back_too(dtype: str, tmp_path: Path) -> None:
    labels = [i % 3 for i in range(RECORDS)]
    labels[17] = 7  # in batch 4: the first of two in iteration 2
    for late in (True, False):
        solver = make(records(tmp_path / f"set {late}", labels), late, iter_size=2, dtype=dtype)
        solver.step(2)
        before = everything(solver)
        with pytest.raises(DataError):
            solver.step(4)
        after = everything(solver)
        assert [name for name in before if name != "state" and before[name] != after[name]] == []
        assert solver.iter == 2


@pytest.mark.parametrize("late", [True, False])
def test_a_failure_holds_no_later_update_back(late: bool, tmp_path: Path) -> None:
    solver = make(records(tmp_path / "set"), late, dtype="float16")
    solver.net.loss_scale.set(2.0**8)  # type: ignore[union-attr]
    solver.step(3)
    solver.net.params["fc"][1].data[...] = np.nan
    with pytest.raises(DivergedError):
        solver.step(6)
    solver.net.params["fc"][1].data[...] = 0
    before = solver.net.params["fc"][0].data.copy()
    solver.step(1)
    assert solver.net.loss_scale.skipped == 0  # type: ignore[union-attr]
    assert (solver.net.params["fc"][0].data != before).any()


def test_a_failure_between_batches_holds_no_later_update_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two batches has a loss that is no number, and the second fails before anybody looks."""
    solver = make(records(tmp_path / "set"), iter_size=2)
    solver.step(2)
    solver.net.params["fc"][1].data[...] = np.nan

    def fails(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(solver.net, "iterate_later", fails)
    with pytest.raises(ZeroDivisionError):
        solver.step(3)
    monkeypatch.undo()
    assert updates_again(solver)


def with_a_loss_to_come_that_is_no_number(folder: Path) -> Solver:
    solver = make(records(folder / "set"))
    solver.step(2)
    solver.net.params["fc"][1].data[...] = np.nan
    return solver


def updates_again(solver: Solver) -> bool:
    """Whether a weight moves when what was no number is one again."""
    solver.net.params["fc"][1].data[...] = 0
    before = solver.net.params["fc"][0].data.copy()
    solver.step(1)
    return bool((solver.net.params["fc"][0].data != before).any())


def test_interrupted_while_it_waits_for_a_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C pressed twice, as the loss that is waited for is no number."""
    solver = with_a_loss_to_come_that_is_no_number(tmp_path)
    later = solver.net.iterate_later

    def interrupted(*args: Any) -> Any:
        later(*args)
        monkeypatch.undo()
        return lambda: (_ for _ in ()).throw(KeyboardInterrupt)

    monkeypatch.setattr(solver.net, "iterate_later", interrupted)
    with pytest.raises(KeyboardInterrupt):
        solver.step(2)
    assert updates_again(solver)


def test_interrupted_once_as_a_loss_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss is looked at before Ctrl-C takes effect, and holds no later update back."""
    solver = with_a_loss_to_come_that_is_no_number(tmp_path)
    later = solver.net.iterate_later

    def interrupted(*args: Any) -> Any:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return later(*args)

    monkeypatch.setattr(solver.net, "iterate_later", interrupted)
    with pytest.raises(DivergedError, match="loss of iteration 2 is nan"):
        solver.step(5)
    assert solver.iter == 2
    assert updates_again(solver)


def test_a_loss_of_many_values(tmp_path: Path) -> None:
    """A top of any size may have a loss_weight; what is read late goes by a small buffer."""
    n = NetSpec("large")
    n.data = L.DummyData(shape=dict(dim=[32, 6]), data_filler=dict(type="constant", value=1))
    n.loss = L.InnerProduct(
        n.data, num_output=SMALL // 64, loss_weight=1e-3, weight_filler=dict(type="xavier"), name="fc"
    )
    found = []
    for device, late in (("cpu", False), (emulated_gpu.emulated_device(), True)):
        solver = Solver(n, device=device, seed=5, base_lr=1e-6, display=0, momentum=0.9, average_loss=4)
        seen = read_late(solver)
        solver.step(4)
        assert bool(seen) == late
        found.append(solver.smoothed_loss)
    assert solver.net.blobs["loss"].data.nbytes > SMALL
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_a_wrong_label_is_named(tmp_path: Path) -> None:
    labels = [i % 3 for i in range(RECORDS)]
    labels[13] = 7  # in batch 3
    found = []
    for late in (True, False):
        solver = make(records(tmp_path / f"set {late}", labels), late)
        with pytest.raises(DataError) as caught:
            solver.step(9)
        found.append(
            (
                str(caught.value).replace(f"set {late}", "set"),
                solver.iter,
                solver.net.state()["layers"]["data"],
            )
        )
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1] == 3
    assert "record" in found[0][0]
