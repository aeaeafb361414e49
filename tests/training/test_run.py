"""Controls and states of a run. No test waits for a clock: each waits for what must happen."""

from __future__ import annotations

import pytest

from owlkit.core.errors import TrainingError
from owlkit.training import Run
from tests.training.small import make_solver, parameters, with_tests
from tests.training.watched import LONG, PATIENCE, kinds, states


def test_a_run_finishes() -> None:
    run = Run(make_solver(), "small").start()
    assert run.wait(PATIENCE)
    assert (run.state, run.iter, run.error) == ("finished", 20, None)
    assert states(run) == ["running", "finished"]
    assert run.history.iter.tolist() == list(range(1, 21))
    assert repr(run).startswith("Run('small', finished, iteration 20 of 20, loss ")


def test_it_trains_as_the_solver_alone() -> None:
    alone, watched = with_tests(), with_tests()
    alone.solve()
    Run(watched).run()
    assert parameters(alone) == parameters(watched)


def test_pause_step_resume_stop() -> None:
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause()
    assert run.state == "paused"
    before = run.iter
    run.step(10)
    assert (run.state, run.iter) == ("paused", before + 10)
    run.lr = 0.001
    assert run.lr == 0.001
    run.resume()
    assert run.wait_until("running", timeout=PATIENCE)
    run.stop()
    assert run.wait(PATIENCE)
    assert run.state == "stopped"
    assert kinds(run) == ["pause", "step", "lr", "resume", "stop"]
    assert run.history.interventions[2].text == "0.01 → 0.001"
    assert run.history.interventions[2].iter == before + 10
    assert run.history.lr[before + 10 :].tolist() == [0.001] * (len(run.history) - before - 10)


def test_buttons_return_at_once_and_are_marked() -> None:
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause(source="button")
    assert run.wait_until("paused", timeout=PATIENCE)
    run.set_lr(0.5, source="button")
    run.step(3, source="button")
    run.stop(source="button")
    assert run.wait(PATIENCE)
    assert {event.source for event in run.history.interventions} == {"button"}


def test_stepping_from_the_start() -> None:
    run = Run(make_solver())
    run.step(4)
    assert (run.iter, run.state) == (4, "paused")
    run.resume()
    assert run.wait(PATIENCE)
    assert run.iter == 20


def test_a_run_can_go_on_after_its_end() -> None:
    run = Run(make_solver()).run()
    with pytest.raises(TrainingError, match=r"finished at iteration 20; raise run.max_iter"):
        run.step(1)
    with pytest.raises(TrainingError, match=r"raise run.max_iter"):
        run.resume()
    run.max_iter = 30
    run.resume()
    assert run.wait(PATIENCE)
    assert (run.iter, run.state) == (30, "finished")


def test_one_run_at_a_time() -> None:
    run = Run(make_solver(max_iter=LONG), "first").start()
    with pytest.raises(TrainingError, match="by run 'first' already"):
        Run(run.solver).start()
    run.stop()
    run.wait(PATIENCE)


def test_waiting_for_what_was_not_started() -> None:
    with pytest.raises(TrainingError, match="was not started"):
        Run(make_solver()).wait()
    with pytest.raises(TrainingError, match=r"unknown signal effect 'stopp'.*'stop'"):
        Run(make_solver(), sigint_effect="stopp")


def test_bad_requests_are_told_at_once() -> None:
    run = Run(make_solver())
    with pytest.raises(TrainingError, match="makes no sense"):
        run.lr = -1
    with pytest.raises(TrainingError, match=r"step\(0\)"):
        run.step(0)
    for wrong in ("a", 2.5, None):
        with pytest.raises(TrainingError, match=r"step\(.*\): give a whole number"):
            run.step(wrong)
        with pytest.raises(TrainingError, match=r"step\(.*\): give a whole number"):
            run.solver.step(wrong)
    assert run.state == "ready"


def test_a_misspelt_attribute_is_refused() -> None:
    run = Run(make_solver())
    with pytest.raises(AttributeError, match=r"no attribute 'lrr'.*did you mean 'lr'"):
        run.lrr = 3
    with pytest.raises(AttributeError, match="did you mean 'max_iter'"):
        run.maxiter = 3
    run.max_iter = 30


def test_the_solver_of_a_run_is_not_stepped_beside_it() -> None:
    run = Run(with_tests(max_iter=LONG), "first").start()
    run.pause()
    before = run.iter
    for action in (lambda: run.solver.step(3), run.solver.solve, lambda: run.solver.restore("x")):
        with pytest.raises(TrainingError, match="being trained by run 'first'"):
            action()
    assert set(run.solver.test()) == {"accuracy", "loss"}
    assert run.iter == before
    run.resume()
    assert "running" in repr(run)
    with pytest.raises(TrainingError, match="test: the solver is being trained"):
        run.solver.test()
    run.stop()
    run.wait(PATIENCE)
    run.solver.step(3)


def test_a_run_stopped_at_its_last_iteration_has_nothing_left() -> None:
    run = Run(make_solver())
    run.step(20)
    run.stop()
    run.wait(PATIENCE)
    with pytest.raises(TrainingError, match="finished at iteration 20"):
        run.resume()
    assert "stopped, iteration 20 of 20" in repr(run)


def test_what_a_run_does_not_have() -> None:
    run = Run(make_solver())
    with pytest.raises(AttributeError, match=r"no attribute 'iteration' \(did you mean 'iter'\?\)"):
        _ = run.iteration
    with pytest.raises(AttributeError, match="_repr_png_"):
        _ = run._repr_png_
    del run.solver.net  # an error within a property is told as it is
    with pytest.raises(AttributeError, match="'Solver' object has no attribute 'net'"):
        _ = run.net
