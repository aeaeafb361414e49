"""`owlkit data`: get the sets and models that owlkit knows, and look into any LMDB set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from owlkit.cli import convert
from owlkit.cli.options import add_command, add_json, print_json
from owlkit.cli.progress import Progress

EXAMPLES = """  owlkit data get mnist
  owlkit data get cifar10 --to /big/disk --shuffle 1
  owlkit data get squeezenet
  owlkit data list
  owlkit data info data/mnist_train_lmdb --json
  # files that are here already, in the words of Caffe's converters
  owlkit data convert-mnist train-images-idx3-ubyte train-labels-idx1-ubyte \\
      mnist_train_lmdb --backend=lmdb
"""
DESCRIPTION = "Get the data sets and models that owlkit knows, and look into any LMDB set."
# Named here, so that the help imports nothing.
SETS = ("digits", "mnist", "fashion_mnist", "cifar10")
MODELS = ("squeezenet", "caffenet", "googlenet", "imagenet_labels")


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "data", DESCRIPTION, EXAMPLES)
    actions = parser.add_subparsers(dest="data_action", required=True, metavar="ACTION")
    get = actions.add_parser("get", help="download a set, check it, convert it to LMDB; or a model")
    get.add_argument(
        "name",
        help=f"one of {', '.join(SETS)}; of published models {', '.join(MODELS[:-1])}, and {MODELS[-1]}",
    )
    get.add_argument(
        "--mirror", help="a folder or an address that has the files, used instead of the known ones"
    )
    get.add_argument(
        "--to", type=Path, metavar="DIR", help="where to put it (default: $OWLKIT_DATA, else data/)"
    )
    get.add_argument("--shuffle", type=int, metavar="SEED", help="write the records in a random order")
    get.add_argument("--force", action="store_true", help="download and convert again")
    listing = actions.add_parser("list", help="which sets there are, and which are here")
    listing.add_argument("--to", type=Path, metavar="DIR", help="where to look (default: as for get)")
    add_json(listing)
    info = actions.add_parser("info", help="count, shape and labels of an LMDB set")
    info.add_argument("path", type=Path, metavar="SET", help="folder with data.mdb")
    add_json(info)
    convert.add_converters(actions)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for; 0. Raises DataError with what went wrong and the next action."""
    if args.data_action == "get":
        _get(args)
    elif args.data_action == "list":
        _list(args.to, args.json)
    else:
        from owlkit.inspection.sets import inspect_set

        with Progress("data info", 0, "records") as progress:
            found = inspect_set(args.path, progress.advance_of)
        print_json(found.content) if args.json else print(found)
    return 0


def _get(args: argparse.Namespace) -> None:
    from owlkit import datasets

    paths = datasets.get(args.name, mirror=args.mirror, to=args.to, shuffle=args.shuffle, force=args.force)
    width = max(6, *map(len, paths))
    for subset, path in paths.items():
        print(f"{subset:{width}} {path}")


def _list(to: Path | None, as_json: bool) -> None:
    from owlkit import datasets
    from owlkit.datasets.store import read_manifest

    folder = to or datasets.data_folder()
    here = {name: bool(read_manifest(folder, name)) for name in datasets.CATALOGUE}
    if as_json:
        print_json({"folder": str(folder), "here": here})
        return
    print(f"sets in {folder}")
    for name, entry in datasets.CATALOGUE.items():
        print(f"  {name:16} {'here' if here[name] else '-':5} {entry.about}")
