"""The panels of layers and filters: what is sent, and a last look at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit_widgets import sampler as sampling
from owlkit_widgets.panels import Panels
from owlkit_widgets.sampler import Sampler

from .fake_net import FakeSolver
from .fake_run import FakeRun
from .told import done


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
