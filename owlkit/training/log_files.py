"""Logs of trainings, Caffe's and ours, as tables.

Caffe writes a line of glog per event, `I0210 13:39:22.381027 25210 solver.cpp:218] Iteration 100 (...), loss
= 0.5`; owlkit's text monitor writes `Iteration 100, loss = 0.5, lr = 0.01, ...` without a clock. The columns
are those of Caffe's parse_log.py.
"""

from __future__ import annotations

import calendar
import datetime
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from owlkit.core.errors import DataError, FileFormatError

ITERS, SECONDS, RATE, SMOOTHED = "NumIters", "Seconds", "LearningRate", "SmoothedLoss"
LEADING = (ITERS, SECONDS, RATE)

_NUMBER = r"([-+]?(?:[\d.]+(?:e[-+]?\d+)?|nan|inf))"
_FLAGS = re.IGNORECASE
# glog's prefix: severity, (year,) month, day, time, thread, file:line]
_GLOG = re.compile(r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,6})\s+\d+ (\S+?):\d+\] ?(.*)")
_ITERATION = re.compile(r"\bIteration (\d+)")
_LOSS = re.compile(rf"\bIteration \d+(?: \([^)]*\))?, loss = {_NUMBER}", _FLAGS)
_RATE = re.compile(rf"\blr = {_NUMBER}", _FLAGS)
_OUTPUT = re.compile(rf"\b(Train|Test) net output #(\d+): (\S+) = {_NUMBER}", _FLAGS)
_TESTING = re.compile(r"\bTesting net \(#(\d+)\)")
_OUR_TEST = re.compile(r"^Iteration (\d+), test net (\d+): (.+)$")
_OUR_DISPLAY = re.compile(rf"^Iteration \d+, loss = {_NUMBER}, lr = {_NUMBER}(.*)$", _FLAGS)
_OUR_OUTPUT = re.compile(rf"(?:^|, )(\S+) {_NUMBER}(?=,|$)", _FLAGS)


@dataclass
class Row:
    """One display or one test. outputs : name -> value, as the net's outputs are called."""

    iteration: int
    seconds: float = math.nan
    rate: float = math.nan
    smoothed_loss: float = math.nan
    outputs: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Values of one output beyond the first are its elements: prob, then prob[1], prob[2]."""
        label, number = name, 0
        while label in self.outputs:
            number += 1
            label = f"{name}[{number}]"
        self.outputs[label] = value


@dataclass
class Log:
    """train : rows of displays. tests : number of the test net -> rows of its tests."""

    train: list[Row] = field(default_factory=list)
    tests: dict[int, list[Row]] = field(default_factory=dict)

    def tables(self) -> dict[str, list[dict[str, float]]]:
        """ "train", "test" (net 0), "test1", ...: rows by column; NaN where a log does not tell.

        SmoothedLoss, the mean over average_loss iterations that each display begins with, is the last column
        of "train": parse_log.py does not have it.
        """
        found = {"train": [_cells(row, smoothed=True) for row in self.train]}
        for number, rows in sorted(self.tests.items()):
            found[f"test{number or ''}"] = [_cells(row, smoothed=False) for row in rows]
        return found


def _cells(row: Row, *, smoothed: bool) -> dict[str, float]:
    cells = {ITERS: row.iteration, SECONDS: row.seconds, RATE: row.rate, **row.outputs}
    return {**cells, SMOOTHED: row.smoothed_loss} if smoothed else cells


def read_log(path: str | Path) -> Log:
    """Parse a log file.

    Seconds count from the line with "Solving" (else from the first line with a time), NaN where lines carry
    no time; a log may run over New Year. LearningRate is that of the row's own iteration (parse_log.py, which
    reads it a line too late, gives the one displayed before).
    Raises DataError where the file cannot be read, FileFormatError where no iteration is in it.
    """
    try:
        content = Path(path).read_text(errors="replace")
        year = datetime.datetime.fromtimestamp(Path(path).stat().st_mtime).year
    except OSError as error:
        raise DataError(f"cannot read the log {path}: {error.strerror}") from error
    reader = _Reader()
    for seconds, line in _clocked(content, year):
        reader.line(line, seconds)
    if not (reader.log.train or reader.log.tests):
        raise FileFormatError(
            f"{path} has no line of a training (`Iteration 100, loss = 0.5`): is it the log of one?"
        )
    reader.finish()
    return reader.log


def _clocked(content: str, last_year: int) -> Iterator[tuple[float, str]]:
    """(seconds since the start, text without glog's prefix) of each line."""
    lines = content.splitlines()
    stamps = [_GLOG.search(line) for line in lines]
    given = [stamp for stamp in stamps if stamp]
    moments = iter(_moments(given, last_year))
    start: datetime.datetime | None = None
    clocked: list[tuple[datetime.datetime | None, str]] = []
    for line, stamp in zip(lines, stamps, strict=True):
        moment, text = (next(moments), stamp[9]) if stamp else (None, line)
        if start is None and text.startswith("Solving"):
            start = moment
        clocked.append((moment, text))
    start = start or next((moment for moment, _ in clocked if moment), None)
    for moment, text in clocked:
        yield (moment - start).total_seconds() if moment and start else math.nan, text


def _moments(stamps: list[re.Match[str]], last_year: int) -> Iterator[datetime.datetime]:
    """The times of glog's prefixes; most have no year, so the last is taken to be of `last_year`."""
    months = [int(stamp[2]) for stamp in stamps]
    turns = [after < before for before, after in itertools.pairwise(months)]
    year = last_year - sum(turns)
    leaps = [k for k, stamp in enumerate(stamps) if (stamp[2], stamp[3]) == ("02", "29")]
    while leaps and not calendar.isleap(year + sum(turns[: leaps[0]])):
        year -= 1
    for stamp, turned in zip(stamps, [False, *turns], strict=True):
        year += turned
        month, day, hour, minute, second = (int(stamp[i]) for i in range(2, 7))
        fraction = int(stamp[7].ljust(6, "0"))
        yield datetime.datetime(int(stamp[1] or year), month, day, hour, minute, second, fraction)


class _Reader:
    """Takes the lines of a log one by one."""

    def __init__(self) -> None:
        self.log = Log()
        self._iteration: int | None = None
        self._test: Row | None = None

    def line(self, text: str, seconds: float) -> None:
        if (test := _OUR_TEST.match(text)) is not None:
            row = self._new_test(int(test[1]), int(test[2]), seconds)
            self._outputs(row, test[3])
        elif (display := _OUR_DISPLAY.match(text)) is not None and (found := _ITERATION.match(text)):
            row = Row(int(found[1]), seconds, float(display[2]), float(display[1]))
            self._outputs(row, display[3])
            self.log.train.append(row)
        else:
            self._caffe(text, seconds)

    @staticmethod
    def _outputs(row: Row, text: str) -> None:
        for name, value in _OUR_OUTPUT.findall(text):
            row.add(name, float(value))

    def _new_test(self, iteration: int, net: int, seconds: float) -> Row:
        row = Row(iteration, seconds)
        self.log.tests.setdefault(net, []).append(row)
        return row

    def _caffe(self, text: str, seconds: float) -> None:
        if (iteration := _ITERATION.search(text)) is not None:
            self._iteration = int(iteration[1])
        if self._iteration is None:
            return
        if (testing := _TESTING.search(text)) is not None:
            self._test = self._new_test(self._iteration, int(testing[1]), seconds)
        elif (loss := _LOSS.search(text)) is not None:
            self.log.train.append(Row(self._iteration, seconds, smoothed_loss=float(loss[1])))
        elif (output := _OUTPUT.search(text)) is not None:
            row = self._row_of(output[1], seconds)
            if not row.outputs:
                row.seconds = seconds  # as parse_log.py: when the first output was there
            row.add(output[3], float(output[4]))
        if (rate := _RATE.search(text)) is not None:
            self._rate(float(rate[1]))

    def _row_of(self, kind: str, seconds: float) -> Row:
        assert self._iteration is not None
        if kind == "Test":
            if self._test is None:
                self._test = self._new_test(self._iteration, 0, seconds)
            return self._test
        if not self.log.train or self.log.train[-1].iteration != self._iteration:
            self.log.train.append(Row(self._iteration, seconds))
        return self.log.train[-1]

    def _rate(self, value: float) -> None:
        """To the rows of this iteration that were just read."""
        last = [rows[-1] for rows in (self.log.train, *self.log.tests.values()) if rows]
        for row in last:
            if row.iteration == self._iteration and math.isnan(row.rate):
                row.rate = value

    def finish(self) -> None:
        """Fill in the rates of rows that have none: the last one displayed before, else the first after."""
        if any(row.outputs for row in self.log.train):
            # Caffe says the last loss once more at the end, without outputs.
            self.log.train = [row for row in self.log.train if row.outputs]
        known = [(row.iteration, row.rate) for row in self.log.train if not math.isnan(row.rate)]
        for row in (row for rows in (self.log.train, *self.log.tests.values()) for row in rows):
            if math.isnan(row.rate) and known:
                before = [rate for iteration, rate in known if iteration <= row.iteration]
                row.rate = before[-1] if before else known[0][1]
