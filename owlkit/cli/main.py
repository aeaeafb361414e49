"""The `owlkit` command.

Exit status: 0 all went well; 1 it failed, or the training diverged; 2 the command line makes no sense;
130 interrupted (Ctrl-C), after a snapshot where a training was stopped by it.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from owlkit import __version__
from owlkit.cli.parser import Parser
from owlkit.core.errors import OwlkitError

COMMANDS = ("train", "test", "time", "data", "demo")
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EXAMPLES = """examples:
  owlkit train --solver solver.prototxt
  owlkit train --solver solver.prototxt --snapshot lenet_iter_500.solverstate
  owlkit test --model net.prototxt --weights lenet_iter_1000.caffemodel --iterations 100
  owlkit time --model net.prototxt
  owlkit data get mnist
Caffe's spelling is understood as well: owlkit train -solver solver.prototxt -weights a.caffemodel
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands. What they need is imported when they run."""
    parser = Parser(
        prog="owlkit",
        description="Train, test and time Caffe's nets.",
        epilog=EXAMPLES + "\n" + (__doc__ or "").strip().split("\n", 2)[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"owlkit {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"owlkit.cli.{name}").add_arguments(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (None: that of the process); returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    args = make_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`| head`); keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (OwlkitError, OSError) as error:
        if args.debug:
            raise
        print(f"owlkit {args.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
