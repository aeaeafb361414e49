"""Caffe's log: what a solver tells, in Caffe's words, by the logger `owlkit.caffe`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
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
    if level is None:
        level = int(os.environ.get("GLOG_minloglevel") or 0)  # noqa: SIM112  (glog's own name)
    root = logging.getLogger("owlkit")
    root.setLevel(_LEVELS[min(max(int(level), 0), 3)])
    while _SHOWN:
        root.removeHandler(_SHOWN.pop())
    if stderr:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname).1s%(asctime)s] %(message)s", "%m%d %H:%M:%S"))
        root.addHandler(handler)
        _SHOWN.append(handler)


def log(message: str) -> None:
    """Write a message to the log."""
    logger.info("%s", message)


def tell(event: Any) -> None:
    """Log an event of a training in Caffe's words."""
    match event:
        case events.Displayed():
            logger.info("Iteration %d, loss = %g", event.iter, event.smoothed_loss)
            _tell_outputs("Train", event.outputs, event.weights)
            logger.info("Iteration %d, lr = %g", event.iter, event.lr)
        case events.TestDone():
            logger.info("Iteration %d, Testing net (#%d)", event.iter, event.net_index)
            if event.loss is not None:
                logger.info("Test loss: %g", event.loss)
            _tell_outputs("Test", event.outputs, {})
        case events.SnapshotWritten():
            logger.info("Snapshotting to %s and %s", event.model, event.state)
        case events.Warned():
            logger.warning("Iteration %d: %s", event.iter, event.message)


def tell_loaded(report: LoadReport) -> None:
    """Log what was loaded: a warning where layers of the net keep the values that they had."""
    logger.log(logging.WARNING if report.missing else logging.INFO, "%s", loading.described(report))


def _tell_outputs(which: str, outputs: Mapping[str, float], weights: Mapping[str, float]) -> None:
    for number, (name, value) in enumerate(outputs.items()):
        weight = weights.get(name, 0)
        loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        logger.info("    %s net output #%d: %s = %g%s", which, number, name, value, loss)
