"""The kernel's half without a browser: what a run has done, in parts and whole."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from owlkit.core import events
from owlkit.core.errors import TrainingError
from owlkit_widgets.branches import MOST_ROWS as MOST_ROWS_OF_BRANCH
from owlkit_widgets.branches import Branch, smoothed_branches
from owlkit_widgets.points import COLUMNS, Points, pack, smooth
from owlkit_widgets.recorder import MOST_ROWS, Recorder
from owlkit_widgets.subject import Subject, describe

from .fake_run import FakeRun
from .lenet_digits import lenet


def recorded(**options: object) -> tuple[FakeRun, Recorder]:
    run = FakeRun(**options)  # type: ignore[arg-type]
    recorder = Recorder(run)
    run.subscribe(recorder)
    run._state("running")
    return run, recorder


def unpacked(data: bytes, n: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    assert len(data) == 4 * n * (1 + columns)
    return np.frombuffer(data, np.uint32, n), np.frombuffer(data, np.float32, offset=4 * n).reshape(
        columns, n
    )


class TestPoints:
    def test_rows_up_to_the_capacity_are_kept_as_they_are(self) -> None:
        points = Points(8)
        for i in range(1, 9):
            points.add(i, i * 0.5, 0.1)
        columns = points.columns()
        assert columns["iter"].tolist() == list(range(1, 9))
        assert columns["lo"].tolist() == columns["hi"].tolist() == columns["mean"].tolist()

    def test_a_full_table_merges_neighbours_and_loses_no_extreme(self) -> None:
        points = Points(8)
        losses = np.random.default_rng(0).random(1000)
        for i, loss in enumerate(losses, 1):
            points.add(i, loss, 0.1)
        columns = points.columns()
        assert len(columns["iter"]) <= 9
        assert columns["iter"][-1] == 1000
        assert columns["lo"].min() == pytest.approx(losses.min())
        assert columns["hi"].max() == pytest.approx(losses.max())
        assert points.total == 1000

    def test_a_nan_is_never_averaged_away(self) -> None:
        points = Points(4)
        for i in range(1, 33):
            points.add(i, math.nan if i == 13 else 1.0, 0.1)
        columns = points.columns()
        bucket = int(np.searchsorted(columns["iter"], 13))
        assert np.isnan(columns["mean"][bucket])
        assert np.isfinite(np.delete(columns["mean"], bucket)).all()

    def test_iterations_are_exact_where_float32_is_not(self) -> None:
        points = Points(4)
        points.add(16_777_217, 1.0, 0.1)
        assert points.columns()["iter"].tolist() == [16_777_217]

    @pytest.mark.parametrize("first", [0, 5, 8, 300])
    @pytest.mark.parametrize("count", [1, 7, 8, 9, 700])
    def test_a_history_taken_in_at_once_is_as_good_as_one_by_one(self, first: int, count: int) -> None:
        losses = np.random.default_rng(0).random(first + count).astype(np.float32)
        iters, rates = np.arange(1, first + count + 1), np.linspace(1, 0.5, first + count, dtype=np.float32)
        one, both = Points(8), Points(8)
        for i, (loss, rate) in enumerate(zip(losses.tolist(), rates.tolist(), strict=True), 1):
            one.add(i, loss, rate)
            if i <= first:
                both.add(i, loss, rate)
        both.extend({"iter": iters, "loss": losses, "lr": rates})
        for points in (one, both):
            for i in range(first + count + 1, first + count + 40):
                points.add(i, 2.0, 0.1)
        got, expected = both.columns(), one.columns()
        assert both.total == one.total
        assert both.width == one.width
        for name in expected:
            assert got[name].tolist() == pytest.approx(expected[name].tolist()), name

    def test_rows_of_many_updates_are_taken_in_as_what_they_are(self) -> None:
        columns = {name: np.array([2.0, 4.0, 6.0]) for name in ("loss", "lowest_loss", "highest_loss", "lr")}
        columns["lowest_loss"][1], columns["highest_loss"][1] = -1.0, 9.0
        points = Points(8)
        points.extend({"iter": np.array([4, 8, 9]), "updates": np.array([4, 4, 1]), **columns})
        assert points.total == 9
        got = points.columns()
        assert got["iter"].tolist() == [4, 8, 9]
        assert (got["lo"].tolist(), got["hi"].tolist()) == ([2, -1, 6], [2, 9, 6])

    def test_a_long_past_is_taken_in_fast(self) -> None:
        count = 500_000
        iters, losses = np.arange(1, count + 1), np.linspace(2, 1, count)
        losses[123_456] = 7.0
        points = Points()
        start = time.thread_time()
        points.extend({"iter": iters, "loss": losses, "lr": np.full(count, 0.1)})
        assert time.thread_time() - start < 0.5
        columns = points.columns()
        assert columns["hi"].max() == 7
        assert columns["iter"][-1] == count

    def test_an_odd_capacity_is_refused(self) -> None:
        with pytest.raises(ValueError, match="found 7, expected an even number"):
            Points(7)

    def test_a_burst_is_sent_in_buckets(self) -> None:
        rows = [(i, float(i), 0.1) for i in range(1, 1001)]
        n, names, data = pack(rows, MOST_ROWS)
        assert n <= MOST_ROWS
        assert names == COLUMNS
        iters, values = unpacked(data, n, 4)
        assert iters[-1] == 1000
        assert values[2].max() == 1000


def test_smoothing_is_the_rule_of_the_browser() -> None:
    iters = np.array([1, 2, 3])
    got = smooth(iters, np.array([4.0, 0.0, np.nan]), 0.5, 1000)
    assert got[:2] == pytest.approx([4, 4 / 3])
    assert np.isnan(got[2])


class TestRecorder:
    def test_parts_join_to_the_whole(self) -> None:
        run, recorder = recorded(test_interval=20)
        run.advance(50)
        first = recorder.take()
        run.set_lr(0.001, source="button")
        run.advance(30)
        second = recorder.take()
        assert first is not None
        assert second is not None
        assert (first[0]["first"], second[0]["first"], second[0]["tests_first"]) == (0, 50, 2)
        assert recorder.take() is None
        history = recorder.history()
        parts = [unpacked(data, message["n"], 2) for message, data in (first, second)]
        iters, values = unpacked(history["data"], history["n"], 4)
        assert np.concatenate([p[0] for p in parts]).tolist() == iters.tolist() == list(range(1, 81))
        assert np.concatenate([p[1][0] for p in parts]) == pytest.approx(values[0])
        assert history["tests"] == first[0]["tests"] + second[0]["tests"]
        assert second[0]["flags"][0]["value"] == 0.001
        assert second[0]["flags"][0]["source"] == "button"

    def test_an_update_is_small(self) -> None:
        run, recorder = recorded()
        run.advance(60)  # five updates a second at 300 iterations a second
        update = recorder.take()
        assert update is not None
        assert len(update[1]) == 720

    def test_a_step_of_the_policy_is_flagged_a_smooth_policy_is_not(self) -> None:
        _, recorder = recorded()
        rates = [0.01 * (1 + 1e-4 * i) ** -0.75 for i in range(20)] + [0.001] * 5
        for i, rate in enumerate(rates, 1):
            recorder(events.IterationDone(i, 1.0, 1.0, rate, 0.01, 0.0, 64))
        assert [(f["iter"], f["kind"], f["source"], f["value"]) for f in recorder.flags] == [
            (21, "lr", "policy", 0.001)
        ]

    def test_a_rate_set_by_hand_is_flagged_once(self) -> None:
        run, recorder = recorded()
        run.advance(5)
        run.set_lr(0.0001)
        run.advance(5)
        assert [f["source"] for f in recorder.flags] == ["code"]
        assert (recorder.flags[0]["before"], recorder.flags[0]["value"]) == (0.01, 0.0001)

    def test_divergence_names_the_guilty_and_leaves_a_gap(self) -> None:
        run, recorder = recorded()
        run.advance(30)
        run.emit(events.Diverged(30, math.nan, "conv2", "weight gradient", "NaN in 3 of 25000 values"))
        run._state("diverged")
        status = recorder.status()
        assert status["state"] == "diverged"
        assert status["problem"]["title"] == (
            "NaN first appeared in conv2, in weight gradient, at iteration 30"
        )
        assert "last finite loss" in status["problem"]["detail"]
        assert status["problem"]["layer"] == "conv2"
        columns = recorder.points.columns()
        assert np.isnan(columns["mean"][-1])
        assert recorder.flags[-1]["text"] == "NaN conv2"

    def test_weights_that_the_loss_does_not_show(self) -> None:
        """They are looked at now and then: nobody knows where that first appeared."""
        run, recorder = recorded()
        run.advance(200)
        run.emit(events.Diverged(200, 0.25, "conv2", "conv2[0]", "3 NaN of 25000 in its weights"))
        run._state("diverged")
        loss = recorder.points.columns()["mean"]
        assert np.isfinite(loss).all(), "the loss is a number, and is shown as one"
        problem = recorder.status()["problem"]
        assert problem["title"] == "NaN in the weights of conv2, in conv2[0], seen at iteration 200"
        assert problem["detail"] == "3 NaN of 25000 in its weights. The loss, 0.2500, does not show it."
        assert problem["layer"] == "conv2"

    def test_a_failure_is_told_by_its_first_line(self) -> None:
        run, recorder = recorded()
        run._state("failed", "DataError: record 7 is cut off\nmore")
        problem = recorder.status()["problem"]
        assert problem == {"title": "DataError: record 7 is cut off", "detail": "more"}

    def test_states_and_time(self) -> None:
        now = [100.0]
        run = FakeRun()
        recorder = Recorder(run, clock=lambda: now[0])
        run.subscribe(recorder)
        assert recorder.state == "ready"
        run._state("running")
        assert recorder.state == "starting"
        run.advance()
        assert recorder.state == "running"
        now[0] = 110.0
        run._state("paused")
        now[0] = 500.0
        assert recorder.seconds() == 10
        assert recorder.status()["since"] == 110.0

    def test_unknown_figures_are_none(self) -> None:
        _, recorder = recorded()
        figures = recorder.figures()
        assert figures["seconds_left"] is None
        assert figures["images_per_second"] is None
        assert figures["waiting"] is None

    def test_figures(self) -> None:
        now = [0.0]
        run = FakeRun(max_iter=100)
        recorder = Recorder(run, clock=lambda: now[0])
        run.subscribe(recorder)
        run._state("running")
        run.advance(25)
        now[0] = 5.0
        figures = recorder.figures()
        assert figures["seconds_left"] == pytest.approx(15)
        assert figures["images_per_second"] == pytest.approx(64 / run.seconds)
        assert figures["waiting"] == pytest.approx(0.03)

    def test_a_test_without_a_loss_or_with_nan(self) -> None:
        _, recorder = recorded()
        recorder(events.TestDone(5, 0, "test", {"top5": 0.5}, None, 0.1))
        recorder(events.TestDone(6, 0, "test", {"accuracy": 0.5, "loss": math.nan}, None, 0.1))
        recorder(events.TestDone(6, 1, "other", {"accuracy": 0.1}, None, 0.1))
        assert recorder.tests == [
            {"iter": 5, "net": 0, "loss": None, "accuracy": None, "name": "test"},
            {"iter": 6, "net": 0, "loss": None, "accuracy": 0.5},
            {"iter": 6, "net": 1, "loss": None, "accuracy": 0.1, "name": "other"},
        ]

    def test_taking_in_an_iteration_is_cheap(self) -> None:
        run, recorder = recorded()
        run.advance(2000)
        assert recorder.cost_seconds / 2000 < 100e-6


class TestGoingBack:
    """A run of 30 iterations that went back to 20, with a NaN at 30."""

    def went_back(self) -> tuple[FakeRun, Recorder]:
        run, recorder = recorded(test_interval=5)
        run.advance(30)
        run.emit(events.Diverged(30, math.nan, "conv2", "conv2", "NaN"))
        run.iter = 20
        run.emit(events.Rewound(20, 30))
        run.emit(events.Intervention(20, "back", "back from 30", "button", 0.01, 0.001))
        return run, recorder

    def test_the_curve_goes_on_from_there(self) -> None:
        run, recorder = self.went_back()
        run.advance(3)
        assert recorder.points.columns()["iter"].tolist() == list(range(1, 24))
        assert recorder.figures()["iter"] == 23
        assert recorder.problem is None
        (flag,) = recorder.flags
        assert (flag["kind"], flag["iter"], flag["reached"], flag["value"]) == ("back", 20, 30, 0.001)

    def test_what_was_given_up_is_kept(self) -> None:
        _, recorder = self.went_back()
        (branch,) = recorder.branches
        assert (branch.iter, branch.reached) == (20, 30)
        assert branch.columns["iter"].tolist() == list(range(21, 32))  # the last is the NaN
        assert [row["iter"] for row in branch.tests] == [25, 30]
        assert [flag["kind"] for flag in branch.flags] == ["nan"]
        assert branch.diverged
        assert [row["iter"] for row in recorder.tests] == [5, 10, 15, 20]

    def test_all_is_sent_again_and_then_only_what_is_new(self) -> None:
        run, recorder = recorded(test_interval=5)
        run.advance(30)
        assert recorder.take() is not None
        assert not recorder.take_rewound()
        run.iter = 20
        run.emit(events.Rewound(20, 30))
        assert recorder.take_rewound()
        assert not recorder.take_rewound()
        whole = recorder.history()
        assert recorder.take() is None
        run.advance(2)
        message, _ = recorder.take() or pytest.fail("nothing new")
        assert message["first"] == whole["total"]
        assert message["tests_first"] == len(whole["tests"])
        assert message["n"] == 2

    def test_a_test_that_is_made_again_takes_the_others_place(self) -> None:
        run, recorder = self.went_back()
        recorder.take_rewound()
        run.emit(events.TestDone(20, 0, "val", {"accuracy": 0.25, "loss": 3.0}, 3.0, 0.01))
        assert [row["iter"] for row in recorder.tests] == [5, 10, 15, 20]
        assert (recorder.tests[-1]["accuracy"], recorder.tests[-1]["loss"]) == (0.25, 3.0)
        assert recorder.take_rewound(), "pages have the other one"
        assert recorder.take() is None
        assert recorder.history()["tests"] == recorder.tests

    def test_a_monitor_opened_later_knows_the_same(self) -> None:
        run, live = self.went_back()
        run.advance(7)
        late = Recorder(run)
        late.catch_up(run.history)
        for mine, theirs in zip([late, *late.branches], [live, *live.branches], strict=True):
            assert [row["iter"] for row in mine.tests] == [row["iter"] for row in theirs.tests]
            assert [(f["kind"], f["iter"]) for f in mine.flags] == [
                (f["kind"], f["iter"]) for f in theirs.flags
            ]
        assert late.points.columns()["mean"].tolist() == live.points.columns()["mean"].tolist()
        assert late.branches[0].columns["iter"].tolist() == live.branches[0].columns["iter"].tolist()
        assert late._first_iter == live._first_iter

    def test_a_long_branch_is_bounded_and_loses_no_extreme(self) -> None:
        n = 5001
        losses = np.random.default_rng(0).random(n).astype(np.float32)
        columns = {"iter": np.arange(1, n + 1, dtype=np.uint32)}
        columns |= dict.fromkeys(COLUMNS, losses)
        branch = Branch.of(0, n, columns, [], [])
        assert len(branch.columns["iter"]) <= MOST_ROWS_OF_BRANCH
        assert branch.columns["iter"][-1] == n
        assert branch.columns["hi"].max() == losses.max()

    def test_each_smoothed_branch_begins_where_it_left_its_trunk(self) -> None:
        def line(first: int, last: int, value: float) -> dict[str, np.ndarray]:
            iters = np.arange(first, last + 1, dtype=np.uint32)
            return {"iter": iters} | {name: np.full(len(iters), value, np.float32) for name in COLUMNS}

        # First given up from 300 on (value 5), then from 200 on (value 3, which holds what 300 left).
        branches = [
            Branch.of(300, 310, line(301, 310, 5), [], []),
            Branch.of(200, 350, line(201, 350, 3), [], []),
        ]
        trunk = line(1, 400, 1.0)
        first, second = smoothed_branches(branches, trunk, np.ones(400), 0.9, 0)
        assert (second[0][0], second[1][0]) == (200, 1.0)
        assert first[0][0] == 300
        assert first[1][0] == pytest.approx(3.0, abs=1e-3)
        assert first[1][-1] == pytest.approx(5 - 2 * 0.9**10, abs=1e-3)


class TestSnapshots:
    def test_where_one_lies_is_told_of_files_that_are_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a_iter_5.caffemodel").touch()
        run, recorder = recorded()
        run.emit(events.SnapshotWritten(5, "a_iter_5.caffemodel", "a_iter_5.solverstate"))
        run.emit(events.SnapshotWritten(6, "a_iter_6.caffemodel", "a_iter_6.solverstate"))
        assert [(flag["text"], flag["path"]) for flag in recorder.flags] == [
            ("a_iter_5.caffemodel", str(tmp_path / "a_iter_5.caffemodel")),
            ("a_iter_6.caffemodel", ""),
        ]

    def test_one_that_could_not_be_written_is_told_to_who_asked_for_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import owlkit as owl

        monkeypatch.chdir(tmp_path)
        solver = owl.Solver(lenet("train"), base_lr=0.01, max_iter=10, snapshot_prefix="a", seed=1)
        solver.param.snapshot_after_train = False
        run = owl.Run(solver)
        recorder = Recorder(run)
        run.subscribe(recorder)
        run.step(1)
        solver.net.params["conv1"][0].data[0] = np.nan
        with pytest.raises(TrainingError, match="conv1"):
            run.snapshot()
        run._flush()
        (flag,) = [flag for flag in recorder.flags if flag["kind"] == "unsaved"]
        assert flag["text"].startswith("no snapshot was written: parameter conv1")
        assert describe(Subject(run, "1", lambda *_: None, lambda: None))["snapshots"] == str(tmp_path / "a")
        solver.net.params["conv1"][0].data[0] = 0  # or the run would end diverged
        run.stop()
        run.wait()
