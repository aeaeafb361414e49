"""`owlkit resume`: go on from the newest snapshot that is whole."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_command
from owlkit.cli.train import AUTO, add_training, train

EXAMPLES = """  owlkit resume solver.prototxt
  owlkit resume solver.prototxt --set max_iter=20000
"""
DESCRIPTION = """Go on with a training from the newest of its snapshots that is whole: whatever ended
it, even a full disk or a power cut in the middle of a snapshot. Newest is what was
written last, also where higher iterations lie there from before. With the file
beside the state that owlkit writes, the result is bit for bit that of a training
which was never interrupted.

The same as `owlkit train --snapshot auto`, but an error where there is none."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "resume", DESCRIPTION, EXAMPLES)
    parser.add_argument("solver", metavar="SOLVER", help="solver prototxt")
    add_training(parser)
    parser.set_defaults(run=run, snapshot=AUTO, weights=None)


def run(args: argparse.Namespace) -> int:
    """As `owlkit train`. Raises DataError where there is no snapshot."""
    return train(args, required=True)
