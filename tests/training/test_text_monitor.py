"""What the text monitor writes on a terminal and into a log."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from owlkit.solvers import DivergedError
from owlkit.training import Run, TextMonitor
from owlkit.training.text_monitor import bar, duration, summary
from tests.training.small import make_solver, with_tests


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (11.2, "11 s"), (463, "7 min 43 s"), (10_440, "2 h 54 min"), (180_000, "2 d 2 h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_bar() -> None:
    assert bar(5, 10) == "[" + "=" * 10 + " " * 10 + "]"
    assert bar(30, 10) == "[" + "=" * 20 + "]"


def test_a_divergence_is_told_once() -> None:
    for reasons in (True, False):
        solver, stream = make_solver(), io.StringIO()
        solver.net.params["ip2"][1].data[1] = np.nan
        run = Run(solver)
        TextMonitor(run, stream, reasons=reasons).follow()
        with pytest.raises(DivergedError):
            run.run()
        text = stream.getvalue()
        assert text.count("Diverged at iteration 0") == 1
        assert text.count("the loss of iteration 0 is nan") == reasons


def written(run: Run, stream: io.StringIO) -> str:
    TextMonitor(run, stream).follow()
    run.run()
    return stream.getvalue()


def test_a_log_has_whole_lines() -> None:
    lines = written(Run(with_tests(display=10), "small"), io.StringIO()).splitlines()
    assert lines[0].startswith("Iteration 0, test net 0: accuracy ")
    assert lines[1].startswith("Iteration 0, loss = ")
    assert ", lr = 0.01" in lines[1]
    assert sum(", test net 0:" in line for line in lines) == 5
    assert any(line.startswith("Finished at iteration 20 after ") for line in lines)
    assert any("of the time waiting for data" in line for line in lines)
    assert any("best accuracy" in line for line in lines)


def test_the_end_says_where_the_newest_snapshot_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    solver = make_solver(max_iter=4, snapshot=2, snapshot_prefix="out/small")
    last = written(Run(solver, "small"), io.StringIO()).splitlines()[-1]
    assert last == f"  newest snapshot small_iter_4.solverstate in {tmp_path / 'out'}"


def test_a_terminal_has_a_bar() -> None:
    text = written(Run(make_solver(max_iter=50), "small"), Terminal())
    assert "\r[" in text
    assert "/50  loss " in text
    assert text.endswith("\n")


def test_nothing_is_written_after_stop() -> None:
    stream, run = io.StringIO(), Run(make_solver())
    monitor = TextMonitor(run, stream).follow()
    monitor.stop()
    run.run()
    assert stream.getvalue() == ""


def test_summary_of_a_run_without_iterations() -> None:
    assert summary(Run(make_solver())) == ["ready at iteration 0 after 0.0 s"]


def test_who_asks_twice_for_a_run_as_text_reads_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(make_solver(), "twice")
    run.monitor()
    run.monitor()
    run.run()
    said = capsys.readouterr().out
    assert said.count("Finished at iteration 20 after") == 1
    assert "Run('twice', ready" in said
