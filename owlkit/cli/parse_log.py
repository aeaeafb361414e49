"""`owlkit parse-log`: tables from the log of a training."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from owlkit.cli.options import add_command, add_json, print_json
from owlkit.cli.status import OK

EXAMPLES = """  owlkit parse-log caffe.INFO                      # print the tables
  owlkit parse-log caffe.INFO tables/              # caffe.INFO.train and .test
  owlkit parse-log train.log --csv train > loss.csv
  owlkit parse-log train.log --json
"""
DESCRIPTION = """Read the log of a training, Caffe's or owlkit's, and give its displays and tests as
tables with the columns of Caffe's parse_log.py: NumIters, Seconds, LearningRate
and one per output, and at the end of the train table SmoothedLoss. Seconds are
nan for the text that `owlkit train` writes, whose lines carry no time (those of
`--caffe_log` do). LearningRate is the one displayed with the
row's own iteration; parse_log.py gives the one before."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "parse-log", DESCRIPTION, EXAMPLES)
    parser.add_argument("log", metavar="LOG", help="log file")
    parser.add_argument("folder", metavar="DIR", nargs="?", help="write LOG.train and LOG.test as CSV there")
    parser.add_argument("--csv", metavar="TABLE", help="print one table as CSV: train, test, test1, ...")
    parser.add_argument(
        "--delimiter", default=",", metavar="CHAR", help="between CSV columns (default: %(default)s)"
    )
    parser.add_argument("--verbose", action="store_true", help="name the files that are written")
    add_json(parser)
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Print or write the tables; 0."""
    from owlkit.training.log_files import read_log

    tables = read_log(args.log).tables()
    if len(args.delimiter) != 1:
        args.wrong_usage(f"--delimiter {args.delimiter!r}: give one character")
    if args.csv is not None and not tables.get(args.csv):
        there = ", ".join(name for name, rows in tables.items() if rows)
        args.wrong_usage(f"--csv {args.csv!r}: there is no such table in {args.log}; there is {there}")
    if args.folder is not None:
        _write(args, tables)
    if args.json:
        print_json(tables)
    elif args.csv is not None:
        sys.stdout.write(to_csv(tables[args.csv], args.delimiter))
    elif args.folder is None:
        print("\n\n".join(_text(name, rows) for name, rows in tables.items() if rows))
    return OK


def _write(args: argparse.Namespace, tables: dict[str, list[dict[str, float]]]) -> None:
    from owlkit.io.files import write_bytes

    for name, rows in tables.items():
        target = Path(args.folder) / f"{Path(args.log).name}.{name}"
        if rows:
            write_bytes(target, to_csv(rows, args.delimiter).encode())
        if args.verbose:
            print(f"wrote {target}" if rows else f"no rows for {target}", file=sys.stderr)


def columns(rows: list[dict[str, float]]) -> list[str]:
    """Names of all columns in order; SmoothedLoss stays last."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return sorted(names, key=lambda name: name == "SmoothedLoss")


def to_csv(rows: list[dict[str, float]], delimiter: str) -> str:
    """A table with a header line; a value that a row does not have is left empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns(rows), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _text(name: str, rows: list[dict[str, float]]) -> str:
    from owlkit.net.tables import text_table

    names = columns(rows)
    cells = [[_number(row.get(column)) for column in names] for row in rows]
    return f"{name}: {len(rows)} rows\n{text_table(names, cells, range(len(names)))}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
