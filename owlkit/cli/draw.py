"""`owlkit draw`: a drawing of a net."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_command, commas
from owlkit.cli.status import OK
from owlkit.core.errors import NetError

EXAMPLES = """  owlkit draw train_val.prototxt net.svg
  owlkit draw deploy.prototxt net.png --rankdir TB      # with Graphviz
  owlkit draw train_val.prototxt net.dot --phase train
"""
DESCRIPTION = """Draw the definition of a net. .svg needs nothing else; .dot, .png, .pdf and the like
need pydot (pip install 'owlkit[draw]'), pictures also Graphviz's program `dot`,
which lays out .svg too where both are there. Neither data nor weights are needed."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "draw", DESCRIPTION, EXAMPLES)
    parser.add_argument("net", metavar="NET", help="net prototxt")
    parser.add_argument("file", metavar="FILE", help="picture to write; its ending says of which kind")
    parser.add_argument(
        "--rankdir",
        type=str.upper,
        choices=("LR", "TB", "RL", "BT"),
        default="LR",
        help="where the net runs: left to right, top to bottom, ... (default: %(default)s)",
    )
    parser.add_argument(
        "--phase",
        type=str.lower,
        choices=("train", "test", "all"),
        default="all",
        help="whose layers are drawn (default: %(default)s)",
    )
    parser.add_argument("--level", type=int, default=0, metavar="N", help="level of the net's state")
    parser.add_argument("--stage", type=commas, default=[], metavar="A,B", help="stages of the net's state")
    parser.add_argument("--display_lrm", action="store_true", help="show lr_mult of learning layers")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the picture; 0. Raises DrawError where a program that draws is needed and not there."""
    from owlkit import proto
    from owlkit.caffe.draw import draw_net_to_file
    from owlkit.proto import rules

    net = proto.read_net(args.net)
    if args.phase != "all":
        net = rules.filter_net(net, args.phase, args.level, args.stage)
    if not net.layer:
        raise NetError(f"{args.net} has no layers to draw; is the file complete?")
    draw_net_to_file(net, args.file, args.rankdir, display_lrm=args.display_lrm)
    print(args.file)
    return OK
