"""The progress bar on a terminal and in a log."""

from __future__ import annotations

import io

from owlkit.cli.progress import ProgressBar
from owlkit.core.events import IterationDone, TestDone


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def done(iteration: int) -> IterationDone:
    return IterationDone(iteration, 0.5, 0.25, 0.01, seconds=0.001, data_seconds=0.0, images=64)


def feed(stream: io.StringIO, total: int = 200) -> ProgressBar:
    bar = ProgressBar(total, stream)
    for iteration in range(1, total + 1):
        bar(done(iteration))
        if iteration == total // 2:
            bar(TestDone(iteration, 0, "test", {"accuracy": 0.9}, None, 0.01))
    bar.close()
    return bar


def test_a_log_gets_ten_lines() -> None:
    stream = io.StringIO()
    feed(stream)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert "100/200" in lines[4]
    assert "test 90.00%" in lines[5]
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_redrawn_and_ended() -> None:
    stream = Terminal()
    feed(stream)
    assert stream.getvalue().count("\n") == 1
    last = stream.getvalue().split("\r")[-1]
    assert "[" + "#" * 30 + "] 200/200" in last
    assert "loss 0.25" in last
    assert stream.getvalue().count("\r") < 20


def test_nothing_is_drawn_before_the_first_iteration() -> None:
    assert ProgressBar(10, io.StringIO()).line() == ""
