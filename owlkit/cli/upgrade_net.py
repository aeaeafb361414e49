"""`owlkit upgrade-net`: a net of an old format in today's."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from owlkit.cli.options import add_command, add_json, print_json
from owlkit.cli.status import OK, USAGE

EXAMPLES = """  owlkit upgrade-net old.prototxt new.prototxt
  owlkit upgrade-net old.caffemodel new.caffemodel
  owlkit upgrade-net old.prototxt                  # print it
"""
DESCRIPTION = """Bring a net of Caffe's old formats (V0 of 2013, V1 of 2014) to today's: a prototxt or
weights, which is found out. owlkit reads old files as they are; this is for looking
at them, and for other programs. Comments are not kept."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "upgrade-net", DESCRIPTION, EXAMPLES)
    add_files(parser)
    parser.set_defaults(run=run)


def add_files(parser: argparse.ArgumentParser) -> None:
    """What `upgrade-net` and `upgrade-solver` have in common."""
    parser.add_argument("source", metavar="FILE", help="file to read")
    parser.add_argument("target", metavar="NEW", nargs="?", help="file to write; text is printed without it")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write or print the net, tell on stderr what changed; 0."""
    from owlkit.io.upgrading import upgrade_net_file

    return finish(args, upgrade_net_file(args.source))


def finish(args: argparse.Namespace, upgraded: Any) -> int:
    """Write or print what was upgraded; 0. A wrong usage where weights would be printed."""
    if args.target is None and upgraded.binary:
        print(f"owlkit {args.command}: {args.source} holds weights: name a file to write", file=sys.stderr)
        return USAGE
    if args.target is not None:
        upgraded.write(args.target)
    if args.json:
        found = {"file": args.source, "changed": bool(upgraded.notes), "notes": upgraded.notes}
        print_json({**found, "written": args.target})
        return OK
    for note in upgraded.notes or [f"{args.source}: up to date already"]:
        print(note, file=sys.stderr)
    if args.target is None:
        print(upgraded.text(), end="")
    return OK
