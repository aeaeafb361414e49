"""Controls, states and errors of a run. No test waits for a clock: each waits for what must happen."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core import events
from owlkit.core.errors import TrainingError
from owlkit.solvers import DivergedError
from owlkit.training import Run, train
from tests.training.small import NET, make_solver, parameters, with_tests

LONG = 10_000_000  # iterations: never reached
PATIENCE = 60.0  # seconds after which a test that hangs fails


def kinds(run: Run) -> list[str]:
    return [event.kind for event in run.history.interventions]


def states(run: Run) -> list[str]:
    return [event.state for event in run.history.states]


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


def test_snapshot_on_request(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG), str(tmp_path / "run")).start()
    model, state = run.snapshot()
    run.stop()
    run.wait(PATIENCE)
    assert model.exists()
    assert state.exists()
    (written,) = run.history.snapshots
    assert written.model == str(model)
    assert run.snapshot()[0].name == f"run_iter_{run.iter}.caffemodel"
    assert len(run.history.snapshots) == 2


def test_a_snapshot_that_fails_on_request_tells_who_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Run(make_solver(max_iter=LONG), str(tmp_path / "file" / "run")).start()
    with pytest.raises(TrainingError, match=r"file cannot be written .*; choose another"):
        run.snapshot()
    assert run.state == "running"
    run.stop()
    run.wait(PATIENCE)
    assert "no snapshot" in run.history.warnings[-1].message


@pytest.mark.parametrize("prefix", [True, False])
def test_a_stop_takes_a_snapshot_as_caffe_does(tmp_path: Path, prefix: bool) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot_after_train=prefix), str(tmp_path / "a")).start()
    run.stop()
    run.wait(PATIENCE)
    assert bool(list(tmp_path.iterdir())) is prefix


def test_a_stop_ends_a_test_and_the_test_is_repeated(tmp_path: Path) -> None:
    whole = with_tests()
    whole.step(7)
    solver = with_tests(test_iter=4, snapshot_after_train=True, snapshot_prefix=str(tmp_path / "a"))
    run = Run(solver)
    forward, calls = solver.test_nets[0].forward, []

    def stopping_forward() -> Any:
        calls.append(solver.iter)
        if calls.count(5) == 2:
            run.stop()
        return forward()

    solver.test_nets[0].forward = stopping_forward
    run.start().wait(PATIENCE)
    assert (run.iter, run.state) == (5, "stopped")
    assert calls == [0] * 4 + [5] * 2
    resumed = with_tests(seed=8)
    resumed.restore(tmp_path / "a_iter_5.solverstate")
    resumed.step(2)
    assert parameters(resumed) == parameters(whole)
    assert resumed.test() == whole.test()


def test_an_exception_is_kept_and_raised_again() -> None:
    solver = make_solver()

    def fail() -> float:
        raise ValueError("the data are gone")

    solver.net.forward_backward = fail
    run = Run(solver).start()
    for _ in range(2):
        with pytest.raises(ValueError, match="the data are gone"):
            run.wait(PATIENCE)
    assert run.state == "failed"
    assert run.history.states[-1].reason == "ValueError: the data are gone"


def test_divergence() -> None:
    solver = make_solver()
    solver.net.params["ip2"][1].data[1] = np.nan
    run = Run(solver).start()
    with pytest.raises(DivergedError):
        run.wait(PATIENCE)
    assert run.state == "diverged"
    assert run.history.divergence is not None
    assert run.history.divergence.layer == "ip2"
    solver.net.params["ip2"][1].data[1] = 0
    run.resume()
    assert run.wait(PATIENCE)
    assert run.state == "finished"


def test_requests_of_a_run_that_fails_do_not_hang() -> None:
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause()
    run.solver.net.forward_backward = None
    with pytest.raises(TypeError):
        run.step(3)


def test_listeners_that_fail_or_hang_do_not_matter(caplog: pytest.LogCaptureFixture) -> None:
    release, seen = threading.Event(), []
    run = Run(make_solver())

    def bad(event: Any) -> None:
        raise RuntimeError("broken")

    run.subscribe(bad)
    end_slow = run.subscribe(lambda event: release.wait(PATIENCE))
    run.subscribe(seen.append)
    run.start()
    assert run.wait_until("finished", timeout=PATIENCE)
    release.set()
    end_slow()
    run.wait(PATIENCE)
    assert sum(isinstance(event, events.IterationDone) for event in seen) == 20
    assert "failed and was ended" in caplog.text


def test_a_listener_may_use_the_controls() -> None:
    run = Run(make_solver(max_iter=LONG))

    def stop_at_five(event: Any) -> None:
        if isinstance(event, events.IterationDone) and event.iter == 5:
            run.pause()
            run.stop()

    run.subscribe(stop_at_five)
    assert run.start().wait(PATIENCE)
    assert run.state == "stopped"


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


@pytest.mark.parametrize(
    ("effect", "state"), [("stop", "stopped"), ("snapshot", "finished"), ("none", "finished")]
)
def test_ctrl_c(tmp_path: Path, effect: str, state: str) -> None:
    solver = make_solver(snapshot_after_train=effect == "stop", snapshot_prefix=str(tmp_path / "a"))
    solver.add_listener(
        lambda e: (
            os.kill(os.getpid(), signal.SIGINT)
            if isinstance(e, events.IterationDone) and e.iter == 7
            else None
        )
    )
    run = Run(solver, sigint_effect=effect).run()
    assert run.state == state
    assert (tmp_path / "a_iter_7.solverstate").exists() is (effect != "none")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_interrupts() -> None:
    solver = make_solver(max_iter=LONG)
    forward_backward = solver.net.forward_backward

    def interrupted() -> float:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return forward_backward()

    solver.net.forward_backward = interrupted
    run = Run(solver)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert run.state == "stopped"


def test_train_starts_a_run_from_what_defines_a_solver(capsys: pytest.CaptureFixture[str]) -> None:
    run = train(make_solver().param, "short", seed=1)
    run.wait(PATIENCE)
    assert "Finished at iteration 20" in capsys.readouterr().out
    with pytest.raises(TypeError, match="seed"):
        train(run.solver, seed=1)
    again = make_solver().train("quiet", monitor=False)
    again.wait(PATIENCE)
    assert capsys.readouterr().out == ""


def test_a_forgotten_run_does_not_keep_the_process(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        "from tests.training.small import make_solver\n"
        "from owlkit.training import Run\n"
        f"Run(make_solver(max_iter={LONG})).start().wait_until('running')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_logging_is_left_alone() -> None:
    assert not logging.getLogger("owlkit").handlers


def test_an_error_told_again_has_the_traceback_of_the_first_time() -> None:
    solver = make_solver()
    solver.net.params["ip2"][0].data[...] = np.nan
    run = Run(solver).start()
    lengths = []
    for ask in (run.wait, run.wait, run.wait):
        with pytest.raises(DivergedError) as caught:
            ask()
        lengths.append(len(caught.traceback))
    assert lengths[0] == lengths[1] == lengths[2]


def test_options_for_a_solver_that_is_made_already() -> None:
    with pytest.raises(TypeError, match=r"Solver\(\.\.\., weights=\.\.\., seed=\.\.\.\), or .*copy_from"):
        make_solver().train(weights="a.caffemodel", seed=1)
    with pytest.raises(TypeError, match=r"seed would change nothing: give Solver\(\.\.\., seed=\.\.\.\)$"):
        train(make_solver(), seed=1)


def test_a_net_and_fields_are_trained(tmp_path: Path) -> None:
    path = tmp_path / "train_val.prototxt"
    path.write_text(NET)
    fields: dict[str, Any] = {"base_lr": 0.1, "max_iter": 2, "snapshot_after_train": False}
    for run in (train(path, monitor=False, **fields), train(net=path, monitor=False, **fields)):
        run.wait()
        assert (run.state, run.iter, run.name) == ("finished", 2, "small")


def test_what_a_run_does_not_have() -> None:
    run = Run(make_solver())
    with pytest.raises(AttributeError, match=r"no attribute 'iteration' \(did you mean 'iter'\?\)"):
        _ = run.iteration
    with pytest.raises(AttributeError, match="_repr_png_"):
        _ = run._repr_png_
    del run.solver.net  # an error within a property is told as it is
    with pytest.raises(AttributeError, match="'Solver' object has no attribute 'net'"):
        _ = run.net
