"""`owlkit upgrade-solver`: a solver file of an old format in today's."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_command
from owlkit.cli.upgrade_net import add_files, finish

EXAMPLES = """  owlkit upgrade-solver old_solver.prototxt solver.prototxt
  owlkit upgrade-solver old_solver.prototxt        # print it
"""
DESCRIPTION = """Bring a solver file of Caffe's old format to today's: solver_type becomes type, and
nets inside it are upgraded too. Comments are not kept."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "upgrade-solver", DESCRIPTION, EXAMPLES)
    add_files(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write or print the solver, tell on stderr what changed; 0."""
    from owlkit.io.upgrading import upgrade_solver_file

    return finish(args, upgrade_solver_file(args.source))
