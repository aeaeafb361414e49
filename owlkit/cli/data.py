"""`owlkit data`: get the data sets that owlkit knows, and look into any LMDB set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SETS = ("digits", "mnist", "fashion_mnist", "cifar10")  # named here, so that the help imports nothing


def add_arguments(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "data", help="get data sets and look into them", description=__doc__
    )
    actions = parser.add_subparsers(dest="data_action", required=True, metavar="ACTION")
    get = actions.add_parser("get", help="download a set, check it, convert it to LMDB")
    get.add_argument("name", help=f"one of {', '.join(SETS)}")
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
    info = actions.add_parser("info", help="count, shape and labels of an LMDB set")
    info.add_argument("path", type=Path)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for; 0. Raises DataError with what went wrong and the next action."""
    if args.data_action == "get":
        _get(args)
    elif args.data_action == "list":
        _list(args.to)
    else:
        print(describe_set(args.path))
    return 0


def _get(args: argparse.Namespace) -> None:
    from owlkit import datasets

    paths = datasets.get(args.name, mirror=args.mirror, to=args.to, shuffle=args.shuffle, force=args.force)
    for subset, path in paths.items():
        print(f"{subset:6} {path}")


def _list(to: Path | None) -> None:
    from owlkit import datasets
    from owlkit.datasets.store import read_manifest

    folder = to or datasets.data_folder()
    print(f"sets in {folder}")
    for name, entry in datasets.CATALOGUE.items():
        here = "here" if read_manifest(folder, name) else "-"
        print(f"  {name:14} {here:5} {entry.about}")


def describe_set(path: Path) -> str:
    """Records, shape and records per label of an LMDB set of Datum."""
    from owlkit.io.datum import datum_to_array, parse_datum
    from owlkit.io.records import Records, label_histogram

    records = Records(path)
    key, value = records.first()
    datum = parse_datum(value, key)
    image = datum_to_array(datum, key)
    kind = "encoded" if datum.encoded else f"raw {image.dtype}"
    histogram = label_histogram(records)
    widest = max(histogram.values())
    lines = [
        f"{path}: {len(records):,} records, the first is (C, H, W) = {image.shape}, {kind}",
        f"{len(histogram)} labels",
    ]
    for label, count in sorted(histogram.items()):
        lines.append(f"  {label:6} {count:9,} {'#' * round(40 * count / widest)}")
    return "\n".join(lines)
