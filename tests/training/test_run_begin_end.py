"""How a run is begun by `train`, and what ends it from without: Ctrl-C, the end of the program."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from owlkit.core import events
from owlkit.training import Run, train
from tests.training.small import NET, make_solver
from tests.training.watched import LONG, PATIENCE


def test_train_starts_a_run_from_what_defines_a_solver(capsys: pytest.CaptureFixture[str]) -> None:
    run = train(make_solver().param, "short", seed=1)
    run.wait(PATIENCE)
    assert "Finished at iteration 20" in capsys.readouterr().out
    with pytest.raises(TypeError, match="seed"):
        train(run.solver, seed=1)
    again = make_solver().train("quiet", monitor=False)
    again.wait(PATIENCE)
    assert capsys.readouterr().out == ""


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


def test_a_rate_that_is_set_while_the_training_ends_holds_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the last iteration and the end, a snapshot's time, it was said to be set, and was not."""
    run = Run(make_solver(max_iter=3))
    ends = run.solver.finish

    def finish(**words: Any) -> None:
        run.set_lr(0.5, source="button")
        run.pause(source="button")
        ends(**words)

    monkeypatch.setattr(run.solver, "finish", finish)
    run.run()
    assert (run.state, run.lr, run.solver.lr) == ("finished", 0.5, 0.5)
    assert [event.kind for event in run.history.interventions] == ["lr"], "there was nothing to pause"


def test_nor_is_a_rate_forgotten_that_comes_just_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(make_solver(max_iter=3))
    run.run()
    run.state, put = "running", run._requests.put

    def late(request: Any) -> Any:
        run.state = "finished"  # meanwhile
        return put(request)

    monkeypatch.setattr(run._requests, "put", late)
    run.set_lr(0.25)
    assert (run.lr, run.solver.lr, run._pending_lr) == (0.25, 0.25, [])
