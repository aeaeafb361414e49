"""`owlkit plot-log`: a picture of logs of trainings."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

from owlkit.cli.options import add_command
from owlkit.cli.status import OK
from owlkit.core.errors import DataError

EXAMPLES = """  owlkit plot-log caffe.INFO
  owlkit plot-log first.log second.log --output both.svg --x seconds
"""
DESCRIPTION = """Draw losses, other outputs and the learning rate of one or several trainings from
their logs, Caffe's or owlkit's."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "plot-log", DESCRIPTION, EXAMPLES)
    parser.add_argument("log", metavar="LOG", nargs="+", help="log files; each gets a colour")
    parser.add_argument(
        "--output", "-o", metavar="FILE", help=".png, .svg or .pdf (default: the first log with .png added)"
    )
    parser.add_argument(
        "--x", choices=("iterations", "seconds"), default="iterations", help="default: %(default)s"
    )
    parser.add_argument("--title", default="", help="above the picture")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the picture; 0. Raises DataError where matplotlib is missing or the format is not known."""
    from owlkit.io.files import write_bytes
    from owlkit.training.log_files import read_log

    target = Path(args.output or f"{args.log[0]}.png")
    logs = {path: read_log(path) for path in args.log}
    stems = [Path(path).stem for path in logs]
    labels = stems if len(set(stems)) == len(stems) else list(logs)
    try:
        from owlkit.training.log_plot import plot_logs

        figure = plot_logs(dict(zip(labels, logs.values(), strict=True)), x=args.x)
    except ImportError as error:
        raise DataError(f"pictures need {error.name}: pip install 'owlkit[notebook]'") from error
    if args.title:
        figure.suptitle(args.title)
    known = figure.canvas.get_supported_filetypes()
    kind = target.suffix[1:].lower()
    if kind not in known:
        raise DataError(f"{target}: a picture ends with one of .{', .'.join(sorted(known))}")
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=144)
    write_bytes(target, stream.getvalue())
    print(target)
    return OK
