"""Samples of a real solver: what they hold, when they are taken, and what they cost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from owlkit_widgets import sampler as sampling
from owlkit_widgets.histograms import reader
from owlkit_widgets.panels import Panels
from owlkit_widgets.sampler import Sampler
from owlkit_widgets.watched import Watched
from tests.support import emulated_gpu
from tests.training.small import make_solver

from .fake_net import FakeSolver
from .fake_run import FakeRun
from .lenet_digits import lenet
from .told import done, late_events, late_one


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

    def test_a_rate_that_jumps_is_seen_from_its_first_iteration_on(self) -> None:
        """However long it is until the next sample: the strips would show the old pace beyond the mark."""
        sampler = Sampler(FakeSolver(), lambda: 0.0)
        for iteration in range(1, 100):
            rate = 0.01 if iteration < 40 else 0.001
            sampler(dataclasses.replace(done(iteration), lr=rate * 0.999**iteration))
        assert [sample.iter for sample in sampler.fetch()] == [1, 40, 65], "and once momentum has forgotten"

    def test_a_rate_that_jumps_in_every_iteration_costs_no_more_than_one_that_jumps_once(self) -> None:
        sampler = Sampler(FakeSolver(), lambda: 0.0)
        for iteration in range(1, 100):
            sampler(dataclasses.replace(done(iteration), lr=0.5**iteration))
        assert [sample.iter for sample in sampler.fetch()] == [1, 2, 27]

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
