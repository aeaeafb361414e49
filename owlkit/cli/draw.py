"""`owlkit draw`: a drawing of a net."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from typing import Any

from owlkit.cli.options import add_command, commas
from owlkit.cli.status import OK
from owlkit.core.errors import DataError, NetError

EXAMPLES = """  owlkit draw train_val.prototxt net.svg
  owlkit draw deploy.prototxt net.png --rankdir TB      # with Graphviz
  owlkit draw train_val.prototxt net.dot --phase train
"""
DESCRIPTION = """Draw the definition of a net. .svg needs nothing else, .dot is text for Graphviz;
for .png, .pdf and the like Graphviz's program `dot` must be installed. It lays out
.svg too where it is there. Neither data nor weights are needed."""
OWN = (".svg", ".dot", ".gv")
PATIENCE = 120  # seconds for Graphviz


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
    """Write the picture; 0. Raises DataError where Graphviz is needed and not there."""
    from owlkit import proto
    from owlkit.io.files import write_bytes
    from owlkit.net import diagram
    from owlkit.proto import rules

    net = proto.read_net(args.net)
    if args.phase != "all":
        net = rules.filter_net(net, args.phase, args.level, args.stage)
    boxes = diagram.boxes_of(net, rates=args.display_lrm)
    if not boxes:
        raise NetError(f"{args.net} has no layers to draw; is the file complete?")
    suffix = Path(args.file).suffix.lower()
    dot = diagram.to_dot(boxes, net.name, args.rankdir)
    if suffix in (".dot", ".gv"):
        content = dot.encode()
    elif (program := shutil.which("dot")) is not None:
        content = _graphviz(program, dot, suffix, args.file)
    elif suffix == ".svg":
        content = diagram.to_svg(boxes, net.name, args.rankdir).encode()
    else:
        raise DataError(
            f"{args.file}: a picture of this kind needs Graphviz, whose program `dot` is not installed "
            f"(Debian: apt install graphviz); without it: {', '.join(OWN)}"
        )
    write_bytes(args.file, content)
    print(args.file)
    return OK


def _graphviz(program: str, dot: str, suffix: str, target: str) -> bytes:
    if not suffix:
        raise DataError(f"{target}: an ending says which kind of picture it is, e.g. .svg or .png")
    done = subprocess.run(
        [program, f"-T{suffix[1:]}"], input=dot.encode(), capture_output=True, check=False, timeout=PATIENCE
    )
    if done.returncode:
        raise DataError(f"{target}: Graphviz failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
