"""Options that several commands share, in owlkit's and in Caffe's spelling."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from owlkit.core.errors import NetError


def add_command(subparsers: Any, name: str, summary: str, description: str, examples: str) -> Any:
    """A subcommand whose help ends with examples."""
    return subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_selection(parser: argparse.ArgumentParser, phase: str) -> None:
    """Which layers of a net, and where it runs."""
    parser.add_argument(
        "--phase",
        "-phase",
        type=str.lower,
        choices=("train", "test"),
        default=phase,
        help="default: %(default)s",
    )
    parser.add_argument("--level", "-level", type=int, default=0, help="level of the net's state")
    parser.add_argument(
        "--stage", "-stage", type=commas, default=[], metavar="A,B", help="stages of the net's state"
    )
    add_device(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpu", "-gpu", metavar="ID", help="GPU to use (this version runs on the CPU only)")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def commas(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]"""
    return [part.strip() for part in text.split(",") if part.strip()]


def add_net(parser: argparse.ArgumentParser, weights: str) -> None:
    """The net and its weights. weights : what to say of them."""
    parser.add_argument("--model", "-model", required=True, metavar="FILE", help="net prototxt")
    parser.add_argument("--weights", "-weights", metavar="FILE", help=weights)


def make_net(args: argparse.Namespace, *, backward: bool) -> Any:
    """The net that --model, --weights and the selection ask for; what was loaded is told on stderr.

    Raises NetError for a net without layers, and where no layer was loaded.
    """
    from owlkit.net import Net
    from owlkit.solvers.loading import described

    net = Net(
        args.model,
        phase=args.phase,
        weights=args.weights,
        device=device(args),
        level=args.level,
        stages=tuple(args.stage),
        backward=backward,
    )
    if not net.layers:
        raise NetError(f"{args.model} has no layers in phase {args.phase}; is the file complete?")
    if net.load_report is not None:
        print(described(net.load_report), file=sys.stderr)
    return net


def device(args: argparse.Namespace) -> str | None:
    """What to give to Net and Solver as device."""
    return None if args.gpu is None else f"gpu:{args.gpu}"


def positive(text: str) -> int:
    """A whole number >= 1; argparse tells where it is not."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
