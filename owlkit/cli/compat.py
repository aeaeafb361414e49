"""`owlkit-compat`: Caffe's programs under their own names, for shell scripts of before.

`owlkit-compat install` writes a few lines of shell under each name, which call owlkit. Nothing is replaced
that it did not write itself.
"""

from __future__ import annotations

import argparse
import os
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
    "convert_mnist_data": ("data", "convert-mnist"),
    "convert_mnist_siamese_data": ("data", "convert-mnist-siamese"),
    "convert_cifar_data": ("data", "convert-cifar"),
    "classification": ("classify",),
    "upgrade_net_proto_text": ("upgrade-net",),
    "upgrade_net_proto_binary": ("upgrade-net",),
    "upgrade_solver_proto_text": ("upgrade-solver",),
}
# Each is installed under a second name too, by which many scripts call it: build/tools/caffe.bin.
SUFFIX = ".bin"
LOGGED = ("train", "test", "time")  # commands that tell all in Caffe's log
CAFFE_COMMANDS = ("train", "test", "time", "device_query")
TEST_ITERATIONS = 50  # Caffe's default, where owlkit makes one pass
# Of glog's flags, which say where its log goes, log_dir is heeded; standard error gets it in any case.
WITH_VALUE = ("log_dir", "minloglevel", "stderrthreshold", "v", "vmodule", "logbufsecs", "max_log_size")
GLOG = (*WITH_VALUE, "logtostderr", "alsologtostderr", "colorlogtostderr", "log_prefix")
EXAMPLES = """examples:
  owlkit-compat install                      beside the owlkit command
  owlkit-compat install --bin build/tools    where old scripts look for them
  owlkit-compat install --bin build/examples/mnist
  owlkit-compat install --cpu                `-gpu 0` runs on the CPU, with a warning
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
        if action == "install":
            inner.add_argument(
                "--cpu",
                action="store_true",
                help="where a script asks for a GPU that is not there, run on the CPU with a warning "
                "(otherwise an error, status 4)",
            )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Install or remove; returns the exit status."""
    args = make_parser().parse_args(argv)
    try:
        done = install(args.bin, cpu=args.cpu) if args.action == "install" else remove(args.bin)
    except (OwlkitError, OSError) as error:
        print(f"owlkit-compat: {error}", file=sys.stderr)
        return FAILED
    what = "installed" if args.action == "install" else "removed"
    print(f"{what} in {args.bin}: {', '.join(done) or 'nothing'}")
    return OK


def install(folder: Path, *, cpu: bool = False) -> list[str]:
    """Write all programs; DataError, and nothing is written, where one of another maker is there.

    cpu : whether they run on the CPU where a GPU is asked for that is not there.
    """
    from owlkit.io.files import write_bytes

    foreign = [name for name in _files() if (folder / name).exists() and not is_ours(folder / name)]
    if foreign:
        raise DataError(
            f"{folder} has {', '.join(foreign)} of another maker; move them away or choose another --bin"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in _files():
        write_bytes(folder / name, script(name.removesuffix(SUFFIX), cpu=cpu).encode())
        (folder / name).chmod(0o755)
    return list(PROGRAMS)


def remove(folder: Path) -> list[str]:
    """Take away what `install` wrote; returns the names."""
    ours = [name for name in _files() if is_ours(folder / name)]
    for name in ours:
        (folder / name).unlink()
    return [name for name in ours if not name.endswith(SUFFIX)]


def _files() -> list[str]:
    return [*PROGRAMS, *(name + SUFFIX for name in PROGRAMS)]


def is_ours(path: Path) -> bool:
    """Whether a file was written by `install`."""
    return path.is_file() and MARK.encode() in path.read_bytes()[:1000]


def script(name: str, *, cpu: bool = False) -> str:
    """A program as shell."""
    words = ["run", *(["--cpu"] if cpu else []), name]
    call = shlex.join([sys.executable, "-m", "owlkit.cli.compat", *words])
    return f'#!/bin/sh\n{MARK}\nexec {call} "$@"\n'


def run(name: str, words: Sequence[str], *, cpu: bool = False, own_process: bool = False) -> int:
    """What a program of Caffe's does with its words; returns owlkit's exit status.

    cpu : as for `install`. own_process : as for `owlkit.cli.main.main`.
    """
    from owlkit.cli.main import main as owlkit

    given, log_dir = without_glog(words)
    if cpu:
        given = on_cpu(name, given)
    if name == "classification" and len(given) == 5:  # the example has no options
        model, weights, mean, labels, image = given
        given = [model, weights, image, "--mean", mean, "--labels", labels]
    if name != "caffe":
        return owlkit([*PROGRAMS[name], *given], own_process=own_process)
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
    if command in LOGGED:
        rest += ["--log_dir", log_dir] if log_dir else ["--caffe_log"]
    return owlkit([command, *rest], own_process=own_process)


def on_cpu(name: str, words: Sequence[str]) -> list[str]:
    """The words without the GPU that they ask for, and a warning, where there is no such GPU."""
    from owlkit.core.device import resolve_device
    from owlkit.core.errors import DeviceError

    kept, gpu = without(words, ("gpu",), with_value=("gpu",))
    if name == "extract_features" and "GPU" in kept:  # ... lmdb GPU [ID]
        place = kept.index("GPU")
        gpu, kept = {"gpu": (kept[place + 1 :] or ["0"])[0]}, kept[:place]
    if not gpu or "device_query" in words:
        return list(words)
    try:
        resolve_device(f"gpu:{gpu['gpu']}")
    except DeviceError:
        print("no such GPU: running on the CPU, as owlkit-compat install --cpu allowed", file=sys.stderr)
        return kept
    return list(words)


def without_glog(words: Sequence[str]) -> tuple[list[str], str | None]:
    """(the words without glog's flags and their values, the folder for logs or None)."""
    kept, glog = without(words, GLOG, WITH_VALUE)
    return kept, glog.get("log_dir") or os.environ.get("GLOG_log_dir")  # noqa: SIM112  (glog's own name)


def without(
    words: Sequence[str], flags: Sequence[str], with_value: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """(the words without some flags and their values, flag -> value), in any of gflags' spellings."""
    kept: list[str] = []
    found: dict[str, str] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        plain = name.removeprefix("no") if name.removeprefix("no") in flags else name
        if not word.startswith("-") or plain not in flags:
            kept.append(word)
        elif name in with_value:
            found[name] = value if equals or not queue else queue.pop(0)
    return kept, found


def _main() -> int:
    words = sys.argv[1:]
    if words[:1] != ["run"]:
        return main()
    cpu = words[1] == "--cpu"
    name, *given = words[1 + cpu :]
    return run(name, given, cpu=cpu, own_process=True)


if __name__ == "__main__":
    sys.exit(_main())
