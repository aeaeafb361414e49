"""How a long command tells how far it is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from owlkit.cli import progress
from owlkit.cli.main import main
from owlkit.cli.progress import Progress
from tests.training.small import NET


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("COLUMNS", "80")
    return Clock(monkeypatch)


def test_a_bar_that_goes_away(clock: Clock) -> None:
    stream = Terminal()
    with Progress("convert-imageset", 4000, "images", stream) as bar:
        bar.advance()  # too early to draw
        assert stream.getvalue() == ""
        clock.now += 10
        bar.advance(999)
        drawn = stream.getvalue()
        expected = "convert-imageset  [====              ]  1,000 of 4,000 images  100/s  30 s left"
        assert drawn == f"\r{expected}"
        assert len(expected) == 79
        clock.now += 0.1
        bar.advance()
        assert stream.getvalue() == drawn  # too soon to draw again
    assert stream.getvalue() == drawn + "\r" + " " * 79 + "\r"


def test_a_line_of_its_own_wipes_the_bar(clock: Clock) -> None:
    stream = Terminal()
    with Progress("a", 2, "images", stream) as bar:
        clock.now += 1
        bar.advance()
        bar.tell("b.jpg cannot be read")
    assert stream.getvalue().endswith(" \rb.jpg cannot be read\n")


def test_elsewhere_a_line_now_and_then(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress("test", 100, "batches", stream) as bar:
        for _ in range(50):
            clock.now += 0.5
            bar.advance()
    lines = ["test  20 of 100 batches  2/s  40 s left", "test  40 of 100 batches  2/s  30 s left"]
    assert stream.getvalue().splitlines() == lines


def test_what_is_quick_says_nothing(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress("test", 100, "batches", stream) as bar:
        bar.advance(100)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "told"), [(3.4, "3 s"), (65, "1 min 5 s"), (3725, "1 h 2 min"), (-1, "0 s")]
)
def test_time_left(seconds: float, told: str) -> None:
    assert progress._time(seconds) == told


def test_an_unknown_total(clock: Clock) -> None:
    clock.now += 10
    bar = Progress("x", 0, "records", io.StringIO())
    bar.done = 5
    assert bar.line(clock.now + 2).startswith("x  5 records  2.5/s")


@pytest.mark.parametrize(
    "words",
    [["test", "--iterations", "4"], ["time", "--iterations", "2"]],
    ids=["test", "time"],
)
def test_commands_that_measure_draw_a_bar(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`test` counts a batch when the next one begins, the last one never."""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    (tmp_path / "net.prototxt").write_text(NET)
    assert main([*words, "--model", str(tmp_path / "net.prototxt")]) == 0
    # `time` runs its iterations twice: as a whole, then layer by layer.
    told = {"test": " 3 of 4 batches  ", "time": " 4 of 4 iterations  "}[words[0]]
    assert told in capsys.readouterr().err
