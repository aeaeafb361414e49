"""`owlkit-compat`: Caffe's programs under their own names, for shell scripts of before.

`owlkit-compat install` writes a few lines of shell under each name, which call owlkit. Nothing is replaced
that it did not write itself.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from owlkit.cli.parser import Parser
from owlkit.cli.status import FAILED, OK, USAGE
from owlkit.core.errors import DataError, OwlkitError

MARK = "# Written by owlkit-compat; `owlkit-compat remove` takes it away."
# Caffe's program -> the words before those that it is given
PROGRAMS: dict[str, tuple[str, ...]] = {
    "caffe": (),
    "convert_imageset": ("convert-imageset", "--skip_unreadable"),
    "compute_image_mean": ("compute-image-mean",),
    "extract_features": ("extract-features",),
    "upgrade_net_proto_text": ("upgrade-net",),
    "upgrade_net_proto_binary": ("upgrade-net",),
    "upgrade_solver_proto_text": ("upgrade-solver",),
}
CAFFE_COMMANDS = ("train", "test", "time", "device_query")
TEST_ITERATIONS = 50  # Caffe's default, where owlkit makes one pass
# glog's flags only say where its log goes; here results go to standard output, all else to standard error.
WITH_VALUE = ("log_dir", "minloglevel", "stderrthreshold", "v", "vmodule", "logbufsecs", "max_log_size")
GLOG = (*WITH_VALUE, "logtostderr", "alsologtostderr", "colorlogtostderr", "log_prefix")
EXAMPLES = """examples:
  owlkit-compat install                      beside the owlkit command
  owlkit-compat install --bin build/tools    where old scripts look for them
  owlkit-compat remove --bin build/tools
Afterwards: caffe train -solver solver.prototxt -gpu 0, convert_imageset, ..."""


def make_parser() -> argparse.ArgumentParser:
    """Of `owlkit-compat`."""
    names = ", ".join(PROGRAMS)
    parser = Parser(
        prog="owlkit-compat",
        description=f"Install programs with Caffe's names that call owlkit:\n{names}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, about in (("install", "write them"), ("remove", "take them away again")):
        inner = actions.add_parser(action, help=about)
        inner.add_argument(
            "--bin",
            type=Path,
            metavar="DIR",
            default=Path(sysconfig.get_path("scripts")),
            help="folder (default: %(default)s)",
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Install or remove; returns the exit status."""
    args = make_parser().parse_args(argv)
    try:
        done = install(args.bin) if args.action == "install" else remove(args.bin)
    except (OwlkitError, OSError) as error:
        print(f"owlkit-compat: {error}", file=sys.stderr)
        return FAILED
    what = "installed" if args.action == "install" else "removed"
    print(f"{what} in {args.bin}: {', '.join(done) or 'nothing'}")
    return OK


def install(folder: Path) -> list[str]:
    """Write all programs; DataError, and nothing is written, where one of another maker is there."""
    from owlkit.io.files import write_bytes

    foreign = [name for name in PROGRAMS if (folder / name).exists() and not is_ours(folder / name)]
    if foreign:
        raise DataError(
            f"{folder} has {', '.join(foreign)} of another maker; move them away or choose another --bin"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        write_bytes(folder / name, script(name).encode())
        (folder / name).chmod(0o755)
    return list(PROGRAMS)


def remove(folder: Path) -> list[str]:
    """Take away what `install` wrote; returns the names."""
    ours = [name for name in PROGRAMS if is_ours(folder / name)]
    for name in ours:
        (folder / name).unlink()
    return ours


def is_ours(path: Path) -> bool:
    """Whether a file was written by `install`."""
    return path.is_file() and MARK.encode() in path.read_bytes()[:1000]


def script(name: str) -> str:
    """A program as shell."""
    call = f"{shlex.quote(sys.executable)} -m owlkit.cli.compat run {name}"
    return f'#!/bin/sh\n{MARK}\nexec {call} "$@"\n'


def run(name: str, words: Sequence[str]) -> int:
    """What a program of Caffe's does with its words; returns owlkit's exit status."""
    from owlkit.cli.main import main as owlkit

    given = without_glog(words)
    if name != "caffe":
        return owlkit([*PROGRAMS[name], *given])
    command = next((word for word in given if word in CAFFE_COMMANDS), None)
    if command is None:
        print(f"usage: caffe <command> <args>; commands: {', '.join(CAFFE_COMMANDS)}", file=sys.stderr)
        return USAGE
    # gflags lets options stand before the command.
    rest = list(given)
    rest.remove(command)
    named = {word.lstrip("-").partition("=")[0] for word in rest if word.startswith("-")}
    if command == "test" and "iterations" not in named:
        rest += ["--iterations", str(TEST_ITERATIONS)]
    return owlkit([command, *rest])


def without_glog(words: Sequence[str]) -> list[str]:
    """The words without glog's flags and their values."""
    kept: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, _ = word.lstrip("-").partition("=")
        plain = name.removeprefix("no") if name.removeprefix("no") in GLOG else name
        if not word.startswith("-") or plain not in GLOG:
            kept.append(word)
        elif name in WITH_VALUE and not equals and queue:
            queue.pop(0)
    return kept


if __name__ == "__main__":
    sys.exit(run(sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["run"] else main())
