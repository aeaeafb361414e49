"""`owlkit inspect`: what is in a file."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_command, add_json, commas, print_json, terminal_width
from owlkit.cli.progress import Progress

EXAMPLES = """  owlkit inspect train_val.prototxt --phase train
  owlkit inspect lenet_iter_10000.caffemodel
  owlkit inspect lenet_iter_10000.solverstate
  owlkit inspect imagenet_mean.binaryproto
  owlkit inspect data/mnist_train_lmdb --json
"""
DESCRIPTION = """Show what is in a file of Caffe's or owlkit's: a net or a solver (prototxt), weights
(.caffemodel of any age, HDF5, safetensors), a solver's state, a mean image, an LMDB set. The kind is
found from the content, whatever the name."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "inspect", DESCRIPTION, EXAMPLES)
    parser.add_argument("file", metavar="FILE", nargs="+", help="one or several")
    parser.add_argument(
        "--phase",
        type=str.lower,
        choices=("train", "test"),
        default="test",
        help="of a net (default: %(default)s)",
    )
    parser.add_argument("--level", type=int, default=0, metavar="N", help="level of a net's state")
    parser.add_argument("--stage", type=commas, default=[], metavar="A,B", help="stages of a net's state")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a report per file; 0."""
    from owlkit.inspection.files import inspect_file

    reports = []
    for path in args.file:
        with Progress("inspect", 0, "records") as progress:
            selection = {"phase": args.phase, "level": args.level, "stages": args.stage}
            reports.append(inspect_file(path, **selection, on_record=progress.advance_of))
    if args.json:
        found = [{"file": path, **report.content} for path, report in zip(args.file, reports, strict=True)]
        print_json(found if len(found) > 1 else found[0])
    else:
        print("\n\n".join(report.text(terminal_width()) for report in reports))
    return 0
