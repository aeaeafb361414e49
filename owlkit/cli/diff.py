"""`owlkit diff`: what differs between two files."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_command, add_json, print_json, terminal_width
from owlkit.cli.status import DIFFERENT, OK

EXAMPLES = """  owlkit diff train_val.prototxt deploy.prototxt
  owlkit diff lenet_iter_500.caffemodel lenet_iter_1000.caffemodel --atol 1e-5
  owlkit diff a.solverstate b.solverstate --quiet && echo the same
"""
DESCRIPTION = """Compare two nets, solvers, weights, solver states or mean images: what they say, not
how they are written. Old formats are upgraded first, comments and the order of fields
do not count. Exit status 5 where they differ, 0 where they do not."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "diff", DESCRIPTION, EXAMPLES)
    parser.add_argument("a", metavar="A", help="a file")
    parser.add_argument("b", metavar="B", help="another of the same kind")
    parser.add_argument(
        "--atol", type=float, default=0.0, metavar="X", help="numbers may differ by X (default: 0)"
    )
    parser.add_argument(
        "--rtol", type=float, default=0.0, metavar="X", help="and by X times the number in B (default: 0)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the differences; 5 where there are any, else 0."""
    from owlkit.inspection.differences import Tolerance, compare

    report = compare(args.a, args.b, Tolerance(args.atol, args.rtol))
    if args.json:
        print_json(report.content)
    elif not args.quiet:
        print(report.text(terminal_width()))
    return OK if report.content["equal"] else DIFFERENT
