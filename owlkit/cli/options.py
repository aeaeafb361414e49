"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from typing import Any

from owlkit.cli.catalogue import COMMANDS
from owlkit.core.dtypes import HALF, WIDE
from owlkit.core.errors import DeviceError, NetError

HELP_WIDTH = 79  # columns


def add_command(subparsers: Any, name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A command whose help ends with examples. description : filled here, paragraph by paragraph."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=COMMANDS[name].summary,
        description="\n\n".join(_filled(paragraph) for paragraph in description.split("\n\n")),
        epilog=f"examples:\n{examples.rstrip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _filled(paragraph: str) -> str:
    return textwrap.fill(" ".join(paragraph.split()), HELP_WIDTH, break_on_hyphens=False)


def add_selection(parser: argparse.ArgumentParser, phase: str) -> None:
    """Which layers of a net, and where it runs."""
    parser.add_argument(
        "--phase", type=str.lower, choices=("train", "test"), default=phase, help="default: %(default)s"
    )
    parser.add_argument("--level", type=int, default=0, metavar="N", help="level of the net's state")
    parser.add_argument("--stage", type=commas, default=[], metavar="A,B", help="stages of the net's state")
    add_device(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gpu",
        metavar="ID",
        help="GPU to use, by its number; status 4 where it cannot be used. By default the first one that can",
    )
    parser.add_argument(
        "--dtype",
        default="float32",
        choices=(*WIDE, *HALF),
        help="what to compute in; half precision keeps weights and losses in float32. Default: %(default)s",
    )
    parser.add_argument(
        "--tf32", action="store_true", help="let the GPU round factors of float32 products to 10 bits"
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--deterministic", action="store_true", help="only GPU kernels that give the same bits in every run"
    )
    choice.add_argument(
        "--tune",
        action="store_true",
        help="choose by timing, once per shape and GPU: cuDNN's plans, and for first layers and 1x1 "
        "convolutions the ways to do without them too; not with --deterministic",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def add_backend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend", type=backend, default="lmdb", metavar="lmdb", help="format of the set: lmdb"
    )


def backend(text: str) -> str:
    """ "lmdb"; argparse tells what to do about Caffe's other one."""
    if text.lower() != "lmdb":
        raise argparse.ArgumentTypeError(f"{text!r}: sets are LMDB here (LevelDB is not read or written)")
    return "lmdb"


def commas(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]"""
    return [part.strip() for part in text.split(",") if part.strip()]


def add_net(parser: argparse.ArgumentParser, weights: str) -> None:
    """The net and its weights. weights : what to say of them."""
    parser.add_argument("--model", required=True, metavar="FILE", help="net prototxt")
    parser.add_argument("--weights", metavar="FILE", help=weights)


def make_net(args: argparse.Namespace, *, backward: bool) -> Any:
    """The net that --model, --weights and the selection ask for; what was loaded is told on stderr.

    Raises as `net_without_weights`, and NetError where no layer was loaded.
    """
    from owlkit.solvers.loading import described, load

    net = net_without_weights(args, backward=backward)
    if args.weights is not None:
        print(described(load(net, args.weights)), file=sys.stderr)
    return net


def net_without_weights(args: argparse.Namespace, *, backward: bool) -> Any:
    """The net that --model and the selection ask for.

    Raises NetError for a net without layers, DeviceError for a device that cannot be used.
    """
    from owlkit.net import Net

    net = Net(
        args.model,
        phase=args.phase,
        device=device(args),
        dtype=args.dtype,
        level=args.level,
        stages=tuple(args.stage),
        backward=backward,
    )
    if not net.layers:
        raise NetError(f"{args.model} has no layers in phase {args.phase}; is the file complete?")
    return net


def device(args: argparse.Namespace) -> Any:
    """What to give to Net and Solver as device. Raises DeviceError for a GPU that cannot be used."""
    options = {"tf32": args.tf32, "deterministic": args.deterministic, "tune": args.tune}
    if args.gpu is None and not any(options.values()):
        return None
    from owlkit.core.gpu.device import open_gpu_device

    number = args.gpu or "0"
    if not number.isdigit():
        raise DeviceError(f"--gpu {number}: give the number of one GPU, or leave out --gpu {number}")
    try:
        return open_gpu_device(int(number), **options)
    except DeviceError as error:
        given = [f"--{name}" for name, wanted in options.items() if wanted]
        given += [f"--gpu {number}"] if args.gpu is not None else []
        found = str(error).removesuffix("; use device='cpu'")  # which is said so in Python
        raise DeviceError(f"{found}; leave out {' and '.join(given)} to compute on the CPU") from error


def terminal_width() -> int | None:
    """Columns of the terminal that the output goes to; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_json(content: Any) -> None:
    """One document; numbers that JSON does not know (NaN, infinities) become null."""
    print(json.dumps(_finite(content)))


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if content - content == 0 else None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content


def positive(text: str) -> int:
    """A whole number >= 1; argparse tells where it is not."""
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def not_negative(text: str) -> int:
    """A whole number >= 0; argparse tells where it is not."""
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
