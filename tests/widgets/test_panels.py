"""What the panels are made of: norms, judgement, filters, samples of a real solver."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from owlkit.core import events
from owlkit.inspection.filters import filter_tiles
from owlkit_widgets import sampler as sampling
from owlkit_widgets.filmstrip import Filmstrip, Frame
from owlkit_widgets.histograms import BINS, FIELDS, Histograms, histogram, reader, some
from owlkit_widgets.judgement import Health, Judge
from owlkit_widgets.norms import Norms, log_ratios, pack
from owlkit_widgets.panels import Panels
from owlkit_widgets.sampler import Sampler
from owlkit_widgets.watched import Watched
from tests.support import emulated_gpu
from tests.training.small import make_solver

from .fake_net import CAFFENET, FakeSolver
from .fake_run import FakeRun
from .lenet_digits import lenet


def judge(iters: np.ndarray, values: np.ndarray, judged: list[int]) -> Health:
    """What is said after all rows."""
    found = Judge(judged)
    for iteration, row in zip(iters.tolist(), values, strict=True):
        found.add(iteration, row)
    return found.health


def done(iteration: int) -> events.IterationDone:
    return events.IterationDone(iteration, 1.0, 1.0, 0.01, 0.01, 0.0, 64)


def late_one(iteration: int) -> events.IterationDone:
    return dataclasses.replace(done(iteration), late=True)


def late_events(solver: Any) -> list[int]:
    """Fills with the iterations that are told of when the next has begun."""
    found: list[int] = []
    solver.add_listener(lambda event: found.extend([event.iter] * getattr(event, "late", 0)), lambda: False)
    return found


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples at every iteration."""
    for name in ("PERIOD", "FILTERS_PERIOD"):
        monkeypatch.setattr(sampling, name, 0.0)
    monkeypatch.setattr(sampling, "SHARE", math.inf)


class TestNorms:
    def test_a_full_table_merges_neighbours(self) -> None:
        norms = Norms(1, capacity=4)
        for i in range(1, 6):
            norms.add(i, np.array([[i], [10 * i]], np.float32))
        iters, values = norms.columns()
        assert iters.tolist() == [2, 4, 5]
        assert values[:, 0, 0].tolist() == [1.5, 3.5, 5.0]
        assert norms.total == 5

    def test_what_is_not_finite_is_never_averaged_away(self) -> None:
        norms = Norms(2, capacity=2)
        for i in range(1, 30):
            norms.add(i, np.array([[1, math.nan if i == 3 else 1], [1, 1]], np.float32))
        assert np.isnan(norms.columns()[1][:, 0, 1]).any()
        assert np.isfinite(norms.columns()[1][:, 0, 0]).all()

    def test_an_odd_capacity_is_refused(self) -> None:
        with pytest.raises(ValueError, match="found 5, expected an even number"):
            Norms(1, 5)

    def test_parts_have_the_layout_of_the_whole(self) -> None:
        norms = Norms(3)
        rows = [(i, np.full((2, 3), i, np.float32)) for i in (1, 2)]
        for row in rows:
            norms.add(*row)
        assert norms.block() == (2, pack(rows))


class TestJudgement:
    def rows(self, *ratios: float, n: int = 20) -> tuple[np.ndarray, np.ndarray]:
        values = np.ones((n, 2, len(ratios)), np.float32)
        values[:, 1] = 10.0 ** np.array(ratios)
        return np.arange(1, n + 1), values

    def test_healthy_is_quiet(self) -> None:
        health = judge(*self.rows(-3.2, -2.8, -3.9), [0, 1, 2])
        assert health.flags == ()
        assert health.median == pytest.approx(-3.2)

    def test_frozen_and_hot_stand_apart_from_the_others(self) -> None:
        health = judge(*self.rows(-3.2, -5.0, -1.0, -3.1), [0, 1, 2, 3])
        assert [(flag.index, flag.kind) for flag in health.flags] == [(1, "frozen"), (2, "hot")]
        assert health.whole == ""

    def test_a_low_learning_rate_freezes_the_net_and_no_layer(self) -> None:
        health = judge(*self.rows(-4.8, -4.7, -4.9), [0, 1, 2])
        assert health.flags == ()
        assert health.whole == "frozen"

    def test_a_net_that_has_learned_is_not_frozen(self) -> None:
        iters, values = self.rows(-3.2, -3.0, -3.1, n=40)
        values[20:, 1] = 10.0 ** np.array([-4.8, -4.7, -6.0], np.float32)
        health = judge(iters, values, [0, 1, 2])
        assert health.whole == "settled"
        assert health.flags == (), "the last one has settled with the others"
        values[10:, 1, 2] = 1e-6
        (flag,) = judge(iters, values, [0, 1, 2]).flags
        assert (flag.index, flag.kind) == (2, "frozen"), "it was frozen before"
        assert judge(iters[:20], values[20:], [0, 1, 2]).whole == "frozen", "from the beginning"

    def test_how_a_net_began_that_is_seen_later_is_not_known(self) -> None:
        iters, values = self.rows(-4.8, -4.7, -4.9)
        assert judge(iters + 4000, values, [0, 1, 2]).whole == "settled"
        assert judge(iters[:1] + 4000, values[:1], [0, 1, 2]).whole == "settled"

    def test_since_when(self) -> None:
        iters, values = self.rows(-3.2, -3.0, -3.1)
        values[12:, 1, 1] = 1e-6
        (flag,) = judge(iters, values, [0, 1, 2]).flags
        assert 13 <= flag.since <= 15
        values[5, 1, 1] = 1e-6  # one noisy sample is no judgement
        assert judge(iters[:10], values[:10], [0, 1, 2]).flags == ()

    def test_what_is_not_finite_is_told_at_once(self) -> None:
        iters, values = self.rows(-3.0, -3.0)
        values[-1, 0, 1] = np.nan
        (flag,) = judge(iters, values, [0, 1]).flags
        assert (flag.index, flag.kind, flag.since) == (1, "nan", 20)

    def test_zeros_are_no_ratio(self) -> None:
        assert np.isnan(log_ratios(np.array([[[0.0, 1.0], [1.0, 0.0]]]))).all()
        assert judge(np.array([1]), np.zeros((1, 2, 2), np.float32), [0, 1]).median is None


class TestFilmstrip:
    def frame(self, iteration: int, weights: np.ndarray | None = None) -> Frame:
        given = np.random.default_rng(0).normal(size=(4, 1, 3, 3)) if weights is None else weights
        return Frame.of(iteration, given.astype(np.float32))

    def test_the_number_of_frames_is_bounded_and_they_lie_evenly(self) -> None:
        film = Filmstrip(most=8)
        frame = self.frame(0)
        for i in range(1000):
            film.add(Frame(i, frame.levels, frame.peaks, frame.health, frame.cosines))
        assert len(film.frames) <= 8
        assert (film.iters[0], film.iters[-1]) == (0, 999)
        gaps = np.diff(film.iters)[:-1]
        assert gaps.max() <= 2 * gaps.min()

    def test_an_older_frame_is_dropped(self) -> None:
        film = Filmstrip()
        for iteration in (5, 5, 3, 9):
            film.add(self.frame(iteration))
        assert film.iters == [5, 9]

    @pytest.mark.parametrize("inputs", [1, 3, 5])
    def test_levels_and_peaks_give_both_scales(self, inputs: int) -> None:
        weights = np.random.default_rng(1).normal(size=(4, inputs, 3, 3)).astype(np.float32)
        frame = self.frame(1, weights)
        own = frame.levels / 255
        assert np.abs(own - filter_tiles(weights, scale="own")).max() <= 0.5 / 255 + 1e-6
        gain = (frame.peaks / frame.peaks.max()).reshape(-1, *[1] * (own.ndim - 1))
        assert (
            np.abs(0.5 + (own - 0.5) * gain - filter_tiles(weights, scale="shared")).max() < 0.5 / 255 + 1e-6
        )
        sizes = 4 * frame.peaks.size + 4 * len(weights) + frame.levels.size
        assert len(frame.data) == sizes

    @pytest.mark.parametrize("inputs", [1, 3])
    def test_weights_of_0_or_that_are_no_numbers_are_pictures_too(self, inputs: int) -> None:
        dead = self.frame(1, np.zeros((20, inputs, 5, 5)))
        assert dead.row()["dead"] == list(range(20))
        assert set(dead.levels.ravel().tolist()) == {128}
        broken = self.frame(2, np.full((4, inputs, 5, 5), np.nan))
        assert broken.row()["broken"] == [0, 1, 2, 3]
        assert (broken.peaks == 0).all()

    def test_flags_are_those_of_show_filters(self) -> None:
        solver = FakeSolver(CAFFENET, (96, 3, 11, 11))
        weights = solver.goal.copy()
        weights[13] *= 0.001
        weights[62] = 1.1 * weights[26]
        row = self.frame(1, weights).row()
        assert row["dead"] == [13]
        assert [pair[:2] for pair in row["duplicates"]] == [[26, 62]]
        assert row["duplicates"][0][2] == pytest.approx(1)


class TestSampler:
    def test_norms_are_those_of_weights_and_of_what_was_subtracted(self, often: None) -> None:
        import owlkit as owl

        for kind in ("SGD", "Nesterov", "Adam", "AdaDelta"):
            solver = owl.Solver(
                lenet("train"), base_lr=0.01, lr_policy="fixed", type=kind, momentum=0.9, seed=1
            )
            sampler = Sampler(solver)
            solver.add_listener(sampler)
            solver.step(1)
            before = [p.blob.data.copy() for p in sampler.watched.parameters]
            solver.step(1)
            sample = sampler.fetch()[-1]
            assert sample.iter == 2
            assert sample.norms is not None
            steps = [
                np.linalg.norm(b - p.blob.data)
                for b, p in zip(before, sampler.watched.parameters, strict=True)
            ]
            assert sample.norms[1] == pytest.approx(steps, rel=2e-3), kind
            weights = [np.linalg.norm(p.blob.data) for p in sampler.watched.parameters]
            assert sample.norms[0] == pytest.approx(weights, rel=1e-5)
            assert not solver.rule.leaves_update

    @pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
    @pytest.mark.parametrize("kind", ["SGD", "Adam"])
    def test_on_a_gpu_only_sampled_iterations_are_waited_for(
        self, kind: str, often: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sampling, "EAGER", 0)
        found = []
        for period in (0.0, 4.0):
            monkeypatch.setattr(sampling, "PERIOD", period)
            device = emulated_gpu.emulated_device()
            solver = make_solver(type=kind, base_lr=0.001, display=0, device=device)
            sampler = Sampler(solver, clock=lambda solver=solver: solver.iter)  # type: ignore[misc]
            told = late_events(solver)
            solver.add_listener(sampler, sampler.at_rest)
            solver.step(30)
            found.append(({s.iter: s.norms.tobytes() for s in sampler.fetch() if s.norms is not None}, told))
        (all_samples, none_late), (some_samples, some_late) = found
        assert none_late == []
        assert len(some_late) > 15
        assert not set(some_samples).intersection(some_late)
        common = set(some_samples).intersection(all_samples)
        assert len(common) >= 2
        assert {i: some_samples[i] for i in common} == {i: all_samples[i] for i in common}

    @pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
    def test_gradients_of_a_float16_net_are_those_of_the_loss(self) -> None:
        found = []
        for dtype in ("float16", "float32"):
            solver = make_solver(device=emulated_gpu.emulated_device(), dtype=dtype, display=0)
            solver.step(1)
            found.append(reader(solver.net, "ip2", "gradients")())
        np.testing.assert_allclose(found[0], found[1], rtol=0.02, atol=1e-4)
        assert np.abs(found[1]).max() > 0.01

    def test_going_back_is_noticed_by_iterations_that_are_told_late(self, often: None) -> None:
        sampler = Sampler(FakeSolver())
        for event in (done(9), late_one(4), late_one(5), done(6)):
            sampler(event)
        assert [(sample.iter, sample.after) for sample in sampler.fetch()] == [(9, None), (6, 3)]

    def test_a_monitor_that_is_closed_leaves_the_rule_as_it_was(self) -> None:
        solver = FakeSolver()
        solver.rule.name = "Adam"
        panels = Panels(FakeRun(solver=solver))
        panels.sampler(done(1))  # type: ignore[misc]
        assert solver.rule.leaves_update
        panels.remove()
        assert not solver.rule.leaves_update
        assert not solver.listeners

    def test_its_cost_is_bounded(self) -> None:
        now = [0.0]

        def clock() -> float:
            now[0] += 0.01  # each look at the clock takes 10 ms: a sample costs as much
            return now[0]

        sampler = Sampler(FakeSolver(), clock)
        for i in range(1, 5000):
            sampler(done(i))
        taken = sampler.fetch()
        assert 2 < len(taken) <= 64
        assert len(taken) * 0.01 / now[0] < 0.01
        assert sampler.cost_seconds < 0.01 * now[0]

    @pytest.mark.parametrize("iteration", [0, 100_000])
    def test_the_first_samples_come_closer_at_the_start_of_a_training(self, iteration: int) -> None:
        now, times = [0.0], []
        solver = FakeSolver()
        solver.iter = iteration
        sampler = Sampler(solver, lambda: now[0])
        for i in range(iteration + 1, iteration + 2000):
            now[0] += 0.02
            sampler(done(i))
            if sampler.fetch():
                times.append(now[0])
        assert np.diff(times)[-20:].min() > 0.49
        if iteration == 0:
            assert np.diff(times)[:90].max() < 0.13
        else:
            assert np.diff(times).min() > 0.49

    def test_an_iteration_without_a_sample_costs_nothing_to_speak_of(self) -> None:
        import time

        sampler, events_ = Sampler(FakeSolver()), [done(i) for i in range(2, 1002)]
        sampler(done(1))
        start = time.perf_counter()
        for event in events_:
            sampler(event)
        assert (time.perf_counter() - start) / 1000 < 20e-6

    def test_what_is_watched(self) -> None:
        import owlkit as owl
        from owlkit import L, NetSpec

        n = NetSpec("n")
        n.data = L.DummyData(shape={"dim": [2, 3, 8, 8]})
        n.one = L.Convolution(n.data, kernel_size=1, num_output=4)
        n.conv = L.Convolution(n.one, kernel_size=3, num_output=4, param=[{"lr_mult": 0}, {"lr_mult": 1}])
        n.bn = L.BatchNorm(n.conv)
        n.scale = L.Scale(n.bn, bias_term=True)
        watched = Watched.of(owl.Net(n, phase="train"))
        assert [layer["name"] for layer in watched.layers] == ["one", "conv", "scale"]
        assert [[p["name"] for p in layer["params"]] for layer in watched.layers] == 3 * [["weight", "bias"]]
        assert watched.judged == [0, 3, 4]  # the weights of conv are fixed: its bias stands for it
        assert watched.filters is not None
        assert watched.filters["layer"] == "conv"


class TestPanels:
    def test_what_is_sent_joins_to_the_whole(self, often: None) -> None:
        run = FakeRun(solver=FakeSolver(nan_at=40))
        panels = Panels(run)
        run._state("running")
        sent: list[Any] = []
        for _ in range(5):
            run.advance(10)
            sent += panels.take()
        norms = [(message, data) for message, data in sent if message["type"] == "norms"]
        assert [message["first"] for message, _ in norms] == [0, 10, 20, 30, 40]
        whole = panels.history()
        assert whole["norms"]["total"] == whole["norms"]["n"] == 50
        iters = np.concatenate([np.frombuffer(data, np.uint32, m["n"]) for m, data in norms])
        assert iters.tobytes() == whole["norms"]["data"][:200]
        frames = [message for message, _ in sent if message["type"] == "frame"]
        assert frames[0]["row"]["iter"] == 0  # as it was before training
        assert [row["iter"] for row in whole["film"]["rows"]] == frames[-1]["kept"]
        assert [(flag.index, flag.kind) for flag in panels.health.flags] == [(4, "nan")]

    def test_a_run_that_has_ended_shows_how_its_net_stands(self) -> None:
        solver = FakeSolver()
        run = FakeRun(solver=solver)
        panels = Panels(run)
        assert panels.sampler is not None
        panels.sampler._clock = lambda: 0.0  # the machine stands still: no second sample is due
        run._state("running")
        run.advance(30)
        assert [m["n"] for m, _ in panels.take() if m["type"] == "norms"] == [1]
        panels.last_look()
        assert panels.take() == [], "while somebody trains nothing is read"
        run._state("finished")
        panels.last_look()
        sent = panels.take()
        assert [m["type"] for m, _ in sent] == ["norms", "frame"]
        iteration = np.frombuffer(sent[0][1], np.uint32, 1)[0]
        assert iteration == 30
        assert sent[1][0]["row"]["iter"] == 30
        weights = panels.norms.block()[1][-4 * 2 * panels.norms.count :]
        wanted = [np.linalg.norm(p.blob.data) for p in panels.sampler.watched.parameters]
        assert np.frombuffer(weights, np.float32)[: panels.norms.count] == pytest.approx(wanted, rel=1e-5)
        panels.last_look()
        assert panels.take() == [], "once is enough"

    def test_a_last_look_has_filters_where_the_last_sample_had_none(self) -> None:
        """Filters come less often than norms: the ones at the end of a training were never shown."""
        now = [0.0]
        sampler = Sampler(FakeSolver(), clock=lambda: now[0])
        for iteration in (1, 2, 3, 4):
            now[0] += 0.55 * sampling.FILTERS_PERIOD / sampling.EAGERNESS
            sampler(done(iteration))
        samples = sampler.fetch()
        assert samples[-1].norms is not None
        assert samples[-1].filters is None
        sampler.last_look()
        (last,) = sampler.fetch()
        assert last.iter == samples[-1].iter == 4
        assert (last.norms, last.filters is not None) == (None, True)
        sampler.last_look()
        assert sampler.fetch() == []

    def test_of_a_rule_that_keeps_no_step_a_last_look_has_filters_only(self) -> None:
        solver = FakeSolver()
        solver.rule.name = "Adam"
        run = FakeRun(solver=solver)
        panels = Panels(run)
        panels.sampler(done(7))  # type: ignore[misc]
        run._state("diverged")
        panels.last_look()
        assert [(m["type"], m["row"]["iter"]) for m, _ in panels.take()][-1] == ("frame", 7)
        assert panels.norms.n == 0

    def test_a_run_without_a_solver_has_nothing_to_show(self) -> None:
        panels = Panels(FakeRun())
        assert panels.take() == []
        assert panels.describe() == {"layers": [], "filters": None}
        assert panels.history()["norms"]["n"] == 0

    def test_filters_that_went_bad_are_not_drawn(self, often: None) -> None:
        solver = FakeSolver()
        run = FakeRun(solver=solver)
        panels = Panels(run)
        solver.net.learnable[0].blob.data[...] = np.nan
        panels.sampler(done(1))  # type: ignore[misc]
        panels.take()
        assert panels.film.iters == [0]


class TestHistograms:
    def test_shares_add_up_and_zeros_are_told_by_themselves(self) -> None:
        values = np.random.default_rng(0).normal(size=(10, 4, 25)).astype(np.float32)
        values[:5] = 0
        values[9, 0, 0] = np.inf
        row = histogram(values.reshape(-1))
        lo, hi, least, most, zeros, bad = row[:FIELDS]
        assert row[FIELDS:].sum() == pytest.approx(1)
        assert least <= lo < hi <= most < 10
        assert (zeros, bad) == (pytest.approx(0.5), pytest.approx(0.001))
        assert row[FIELDS:].argmax() in range(10, BINS - 10)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_small_gradients_in_half_precision(self, dtype: str) -> None:
        pytest.importorskip("ml_dtypes", reason="bfloat16 comes with the dev extra")
        values = (1e-4 * np.random.default_rng(0).normal(size=4000)).astype(dtype)
        row = histogram(values)
        assert np.isfinite(row).all()
        np.testing.assert_array_equal(row, histogram(values.astype(np.float32)))
        assert row[FIELDS:].sum() == pytest.approx(1)

    def test_constant_empty_and_dead_blobs(self) -> None:
        assert histogram(np.full(7, 3.0, np.float32))[FIELDS:].sum() == 1
        assert histogram(np.zeros(9, np.float32))[4] == 1
        assert not histogram(np.zeros(0, np.float32)).any()

    def test_of_a_large_blob_some_values_are_copied(self) -> None:
        lying = np.arange(2 * 300 * 300 * 8, dtype=np.float32).reshape(2, 300, 300, 8)
        found = some(lying.transpose(0, 3, 1, 2))  # as activations lie in memory
        assert 8_000 < found.size <= 1 << 14
        assert (np.diff(found) == np.diff(found)[0]).all(), (
            "in the order of the memory: no copy of all was made"
        )
        assert not np.shares_memory(found, lying)

    def test_a_full_table_thins_out(self) -> None:
        table = Histograms("conv1", "activations", capacity=4)
        for i in range(1, 8):
            table.add(i, histogram(np.ones(3, np.float32)))
        assert [iteration for iteration, _ in table.rows] == [4, 6, 7]
        block = table.block()
        assert (block["n"], block["total"]) == (3, 7)
        assert len(block["data"]) == 3 * 4 * (1 + FIELDS + BINS)

    def test_a_layer_that_is_opened_while_nobody_trains_is_looked_at_at_once(self, often: None) -> None:
        run = FakeRun(solver=FakeSolver())
        panels = Panels(run)
        assert not panels.watch(["conv1"]), "before the first iteration there is nothing"
        run.advance(2)
        panels.take()
        run._state("diverged")
        assert panels.watch(["conv1", "conv2"])
        found = [(m["layer"], m["kind"], m["iter"]) for m, _ in panels.take()]
        assert found == [("conv2", "activations", 2), ("conv2", "gradients", 2)], "conv1 was known"
        assert not panels.watch(["conv1", "conv2"])

    def test_only_layers_that_are_open_are_looked_at(self, often: None) -> None:
        run = FakeRun(solver=FakeSolver())
        panels = Panels(run)
        run._state("running")
        run.advance(2)
        assert not panels.watch(["conv2", "nobody"])
        run.advance(2)
        panels.watch([])
        run.advance(2)
        found = [m for m, _ in panels.take() if m["type"] == "histogram"]
        assert [(m["layer"], m["kind"], m["first"], m["iter"]) for m in found] == [
            ("conv2", "activations", 0, 3),
            ("conv2", "gradients", 0, 3),
            ("conv2", "activations", 1, 4),
            ("conv2", "gradients", 1, 4),
        ]
        assert [table["n"] for table in panels.history()["histograms"]] == [2, 2]

    def test_of_a_real_net(self, often: None) -> None:
        import owlkit as owl

        solver = owl.Solver(lenet("train"), base_lr=0.01, lr_policy="fixed", type="Adam", seed=1)
        run = FakeRun(solver=solver)
        panels = Panels(run)
        panels.watch(["conv1", "fc1"])
        solver.step(4)
        rows = {
            (m["layer"], m["kind"]): np.frombuffer(d, np.float32) for m, d in panels.take() if "kind" in m
        }
        assert len(rows) == 4
        assert 0.1 < rows["fc1", "activations"][4] < 0.9, "what comes out of a ReLU is 0 for a good part"
        assert rows["conv1", "gradients"][FIELDS:].sum() == pytest.approx(1)
        assert rows["fc1", "gradients"][3] < 0.1
