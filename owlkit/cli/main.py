"""The `owlkit` command. Only the module of the command that was asked for is imported."""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from owlkit import __version__
from owlkit.cli.catalogue import COMMANDS, listing
from owlkit.cli.output import discard, open_closed_streams, said, tell, written
from owlkit.cli.parser import Parser
from owlkit.cli.status import FAILED, INTERRUPTED, MEANINGS, OK, USAGE, status_of
from owlkit.core.errors import OwlkitError, closest
from owlkit.core.tracebacks import told

USAGE_LINE = "owlkit [-h] [--version] [--debug] COMMAND ..."
EXAMPLES = """examples:
  owlkit train --solver solver.prototxt
  owlkit train --solver solver.prototxt --snapshot lenet_iter_500.solverstate
  owlkit test --model net.prototxt --weights lenet_iter_1000.caffemodel
  owlkit inspect lenet_iter_1000.caffemodel
  owlkit data get mnist
`owlkit COMMAND --help` has more of them. Caffe's spelling is understood as
well: owlkit train -solver solver.prototxt -weights a.caffemodel -gpu=0"""


class _TopParser(Parser):
    """Its help lists the commands under headings."""

    def format_help(self) -> str:
        options = """options:
  -h, --help           show this help and exit
  --version            show the version and exit
  --debug              show where an error comes from"""
        codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())
        head = f"usage: {USAGE_LINE}\n\nTrain, test and look into Caffe's nets."
        return "\n\n".join([head, listing(), options, EXAMPLES, f"exit status:\n{codes}\n"])


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, or with the arguments of one of them. What they need is imported when
    they run."""
    parser = _TopParser(prog="owlkit", usage=USAGE_LINE)
    parser.add_argument("--version", action="version", version=f"owlkit {__version__}", help="show version")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser, prog="owlkit"
    )
    for name, entry in COMMANDS.items():
        if only in (None, name):
            importlib.import_module(f"owlkit.cli.{entry.module}").add_arguments(subparsers)
    return parser


def main(argv: Sequence[str] | None = None, *, own_process: bool = False) -> int:
    """Run a command line (None: that of the process); returns the exit status.

    own_process : whether the process is there for this alone, so that its signals are ours; with None it is.
    """
    open_closed_streams()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    words = list(sys.argv[1:] if argv is None else argv)
    name = _take_command(words)
    command = f"owlkit {name}" if name in COMMANDS else "owlkit"
    try:
        status = _run(words, name, own_process or argv is None)
    except SystemExit as leaving:  # help, or words that make no sense
        if leaving.code in (None, OK):
            sys.exit(written(OK, command))
        raise
    return written(status, command)


def _run(words: Sequence[str], name: str | None, own_process: bool) -> int:
    parser = make_parser(only=name if name is not None else "")
    if name is not None and name not in COMMANDS:
        near = closest(name, COMMANDS)
        parser.print_usage(sys.stderr)
        parser.exit(USAGE, f"owlkit: there is no command {name!r}{near}; `owlkit --help` lists them\n")
    args = parser.parse_args(words)
    if own_process and getattr(args, "sigint_effect", "stop") == "stop":
        _end_by_sigterm_as_by_ctrl_c()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        discard()
        return FAILED
    except (OwlkitError, OSError) as error:
        if args.debug:
            raise
        tell(f"owlkit {args.command}: {said(error)}")
        if isinstance(error, OSError) and error.filename is None and error.errno == errno.ENOSPC:
            discard()
        return status_of(error)
    except Exception as error:
        theirs = "" if args.debug else told(error)
        if not theirs:
            raise
        tell(f"owlkit {args.command}: a Python layer failed\n{theirs.rstrip()}")
        return FAILED


def _end_by_sigterm_as_by_ctrl_c() -> None:
    """Batch systems and containers end a process by SIGTERM: it cleans up and writes a snapshot then, too."""

    def act(number: int, frame: FrameType | None) -> None:
        if callable(signal.getsignal(signal.SIGINT)):
            signal.raise_signal(signal.SIGINT)
            return
        # A shell that puts us in the background lets us ignore Ctrl-C: then it ends us at once, as ever.
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, act)


def _take_command(words: list[str]) -> str | None:
    """The command among the words, brought to our spelling there: device_query is device-query."""
    for index, word in enumerate(words):
        if not word.startswith("-"):
            ours = word.replace("_", "-")
            words[index] = ours if ours in COMMANDS else word
            return words[index]
    return None


if __name__ == "__main__":
    sys.exit(main())
