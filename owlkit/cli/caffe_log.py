"""What commands tell in the words of Caffe's log, for scripts that read it: `--caffe_log`."""

from __future__ import annotations

import argparse
import datetime
import getpass
import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import DataError

if TYPE_CHECKING:
    from owlkit.training import Run


def add_caffe_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--caffe_log", action="store_true", help="tell all in the lines of Caffe's log, on standard error"
    )
    parser.add_argument("--log_dir", metavar="DIR", help="the same, and in a file in DIR too, as glog does")


def asked_for(args: argparse.Namespace) -> bool:
    """Whether Caffe's words are wanted."""
    return bool(args.caffe_log or args.log_dir)


@contextmanager
def shown(args: argparse.Namespace) -> Iterator[None]:
    """The log in glog's form, where it was asked for: on stderr, and in a file as glog names it."""
    if not asked_for(args):
        yield
        return
    from owlkit.caffe import logs

    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if args.log_dir:
        handlers.append(_opened(Path(args.log_dir)))
    with logs.only_to(*handlers):
        yield


class _LogFile(logging.FileHandler):
    """A log file that tells once of a failure, a full disk for one, and lets the work go on without it."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        self.setLevel(logging.CRITICAL + 1)
        reason = getattr(error, "strerror", None) or error
        print(f"the log {self.baseFilename} ends here: {reason}", file=sys.stderr)

    def close(self) -> None:
        with suppress(OSError):  # what is still buffered on a full disk
            super().close()


def _opened(folder: Path) -> logging.Handler:
    try:
        return _LogFile(_new_file(folder))
    except OSError as error:
        raise DataError(
            f"no log can be written into {folder}: {error.strerror}; give another --log_dir"
        ) from error


def _new_file(folder: Path) -> Path:
    """caffe.HOST.USER.log.INFO.DATE-TIME.PROCESS; the link caffe.INFO points to the newest, as with glog."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = f"{datetime.datetime.now():%Y%m%d-%H%M%S}"
    name = f"caffe.{socket.gethostname()}.{getpass.getuser()}.log.INFO.{moment}.{os.getpid()}"
    link = folder / f".caffe.INFO.{os.getpid()}"
    link.symlink_to(name)
    link.replace(folder / "caffe.INFO")
    return folder / name


def follow(run: Run) -> None:
    """Log a training from its beginning on."""
    from owlkit.caffe import logs

    logs.tell_start(run.solver.net.name, run.solver.param.lr_policy)
    run.solver.add_listener(logs.Teller(run.solver), at_rest=lambda: False)


def tell(text: str) -> None:
    """Log a message."""
    from owlkit.caffe import logs

    logs.log(text)


def tell_end(run: Run) -> None:
    """Log how a training ended."""
    from owlkit.caffe import logs

    logs.tell_end(early=run.state == "stopped")


def tell_batch(number: int, outputs: Mapping[str, float]) -> None:
    """Log the outputs of one batch of a test."""
    for name, value in outputs.items():
        tell(f"Batch {number}, {name} = {value:g}")


def tell_test(net: Any, outputs: Mapping[str, float], loss: float) -> None:
    """Log what `caffe test` logs at its end: means over the batches."""
    from owlkit.caffe import logs

    weights = logs.loss_weights(net)
    tell(f"Loss: {loss:g}")
    for name, value in outputs.items():
        tell(logs.valued(name, value, weights.get(name, 0)))


def tell_times(found: Mapping[str, Any]) -> None:
    """Log what `caffe time` logs. found : what `owlkit.cli.time.measure` gives, in milliseconds."""
    tell("*** Benchmark begins ***")
    tell(f"Testing for {found['iterations']} iterations.")
    tell("Average time per layer: ")
    for layer in found["layers"]:
        for way in ("forward", "backward"):
            tell(f"{layer['name']:>10}\t{way}: {layer[way]:g} ms.")
    tell(f"Average Forward pass: {found['forward']:g} ms.")
    tell(f"Average Backward pass: {found['backward']:g} ms.")
    tell(f"Average Forward-Backward: {found['iteration']:g} ms.")
    tell(f"Total Time: {found['iteration'] * found['iterations']:g} ms.")
    tell("*** Benchmark ends ***")
