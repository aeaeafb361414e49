"""Caffe's log: what a solver tells, in Caffe's words and glog's form, by the logger `owlkit.caffe`."""

from __future__ import annotations

import datetime
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from owlkit.core import events
from owlkit.net import LoadReport
from owlkit.solvers import loading

logger = logging.getLogger("owlkit.caffe")

# glog's levels: 0 INFO, 1 WARNING, 2 ERROR, 3 FATAL
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_SHOWN: list[logging.Handler] = []


def init_log(level: int | None = None, stderr: bool = True) -> None:
    """Show the log from `level` on (0 info, 1 warnings, 2 errors, 3 nothing but the worst) on stderr.

    level : None takes GLOG_minloglevel of the environment, 0 without it. stderr : False shows nothing; what
    `logging` is told to do with the logger `owlkit` happens in any case.
    Without this call information is not shown.
    """
    root = logging.getLogger("owlkit")
    root.setLevel(_severity(level))
    while _SHOWN:
        root.removeHandler(_SHOWN.pop())
    if stderr:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Glog())
        root.addHandler(handler)
        _SHOWN.append(handler)


def _severity(level: int | None) -> int:
    given = os.environ.get("GLOG_minloglevel") or 0 if level is None else level  # noqa: SIM112  (glog's name)
    return _LEVELS[min(max(int(given), 0), 3)]


class Glog(logging.Formatter):
    """glog's lines, `I1121 03:56:08.123456  4321 logs.py:87] message`: what reads Caffe's logs reads these.

    Severity, month and day, time, process, the line of owlkit's source that speaks.
    """

    def format(self, record: logging.LogRecord) -> str:
        severity = "F" if record.levelno >= logging.CRITICAL else record.levelname[0]
        moment = datetime.datetime.fromtimestamp(record.created)
        place = f"{record.process:5d} {record.filename}:{record.lineno}"
        return f"{severity}{moment:%m%d %H:%M:%S.%f} {place}] {super().format(record)}"


@contextmanager
def only_to(*handlers: logging.Handler) -> Iterator[None]:
    """Send owlkit's log, information too, to some handlers in glog's form, and nowhere else."""
    root = logging.getLogger("owlkit")
    before = root.level, root.propagate, list(root.handlers)
    root.setLevel(_severity(None))
    root.propagate, root.handlers = False, list(handlers)
    for handler in handlers:
        handler.setFormatter(Glog())
    try:
        yield
    finally:
        root.level, root.propagate, root.handlers = before
        root.setLevel(before[0])
        for handler in handlers:
            handler.close()


def log(message: str) -> None:
    """Write a message to the log."""
    logger.info("%s", message)


def tell_start(net: str, policy: str) -> None:
    """Log that a solver begins: parse_log.py counts seconds from the line with "Solving"."""
    logger.info("Solving %s", net)
    logger.info("Learning Rate Policy: %s", policy)


def tell_end(*, early: bool = False) -> None:
    """Log that a solver has come to the end of its training, or was stopped before."""
    logger.info("Optimization stopped early." if early else "Optimization Done.")


class Teller:
    """Logs the events of a solver in Caffe's words: a listener for `Solver.add_listener`.

    solver : an owlkit.Solver, whose nets say which of their outputs are losses.
    """

    def __init__(self, solver: Any) -> None:
        self._weights = [loss_weights(net) for net in solver.test_nets]
        self._display = solver.param.display
        self._shown: tuple[int, float] | None = None  # iteration and moment of the last display

    def __call__(self, event: Any) -> None:
        match event:
            case events.Displayed():
                logger.info("Iteration %d %s, loss = %g", event.iter, self._pace(event), event.smoothed_loss)
                _tell_outputs("Train", event.outputs, event.weights)
                logger.info("Iteration %d, lr = %g", event.iter, event.lr)
            case events.TestDone():
                logger.info("Iteration %d, Testing net (#%d)", event.iter, event.net_index)
                if event.loss is not None:
                    logger.info("Test loss: %g", event.loss)
                _tell_outputs("Test", event.outputs, self._weights[event.net_index])
            case events.SnapshotWritten():
                logger.info("Snapshotting to %s %s", _kind(event.model), event.model)
                logger.info("Snapshotting solver state to %s %s", _kind(event.state), event.state)
            case events.Warned():
                logger.warning("Iteration %d: %s", event.iter, event.message)

    def _pace(self, event: events.Displayed) -> str:
        """ "(12.5 iter/s, 8s/100 iters)" since the last display; zeros at the first one."""
        now = time.monotonic()
        before, moment = self._shown or (event.iter, now)
        self._shown = event.iter, now
        pace = (event.iter - before) / (now - moment) if now > moment else 0.0
        return f"({pace:g} iter/s, {now - moment:g}s/{self._display} iters)"


def _kind(path: str) -> str:
    return "HDF5 file" if path.endswith(".h5") else "binary proto file"


def loss_weights(net: Any) -> dict[str, float]:
    """Top -> weight, of each top of a net that is a loss."""
    return {
        top: weight
        for layer in net.layers
        for top, weight in zip(net.top_names[layer.name], layer.loss_weights, strict=False)
        if weight
    }


def tell_loaded(report: LoadReport) -> None:
    """Log what was loaded: a warning where layers of the net keep the values that they had."""
    logger.log(logging.WARNING if report.missing else logging.INFO, "%s", loading.described(report))


def _tell_outputs(which: str, outputs: Mapping[str, float], weights: Mapping[str, float]) -> None:
    for number, (name, value) in enumerate(outputs.items()):
        logger.info("    %s net output #%d: %s", which, number, valued(name, value, weights.get(name, 0)))


def valued(name: str, value: float, weight: float) -> str:
    """An output of a net as Caffe writes it: `loss = 0.31 (* 1 = 0.31 loss)`. weight : 0 for no loss."""
    loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
    return f"{name} = {value:g}{loss}"
