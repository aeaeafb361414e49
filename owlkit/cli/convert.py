"""`owlkit data convert-...`: what the converters of Caffe's examples do, for files that are here already."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from owlkit.cli.options import add_backend, add_json, backend, not_negative, print_json
from owlkit.cli.status import OK

Convert = Callable[[argparse.Namespace], dict[str, int]]  # writes the sets; path -> records


def add_converters(actions: Any) -> None:
    """Add the converters to the actions of `owlkit data`."""
    _add_idx(
        actions,
        "convert-mnist",
        "an LMDB set from two IDX files of MNIST's kind",
        "Write an LMDB set from two IDX files of MNIST's kind, as Caffe's convert_mnist_data.",
        _mnist,
    )
    pairs = _add_idx(
        actions,
        "convert-mnist-siamese",
        "an LMDB set of random pairs of images, for a siamese net",
        "Write an LMDB set of random pairs of images, (2, H, W), with label 1 where both are of\n"
        "one class and 0 otherwise, as Caffe's convert_mnist_siamese_data. That one writes\n"
        "LevelDB: give the net's data layers backend: LMDB.",
        _pairs,
    )
    pairs.add_argument(
        "--seed", type=not_negative, default=0, metavar="N", help="of the pairs (default: %(default)s)"
    )
    _add_cifar(actions)


def _add_idx(actions: Any, name: str, about: str, description: str, convert: Convert) -> Any:
    parser = actions.add_parser(
        name, help=about, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", metavar="IMAGES", type=Path, help="train-images-idx3-ubyte, gzipped or not")
    parser.add_argument("labels", metavar="LABELS", type=Path, help="train-labels-idx1-ubyte, gzipped or not")
    parser.add_argument("set", metavar="SET", type=Path, help="folder to write")
    add_backend(parser)
    _add_rest(parser, "a set that is there", convert)
    return parser


def _add_cifar(actions: Any) -> None:
    parser = actions.add_parser(
        "convert-cifar",
        help="two LMDB sets from CIFAR-10's unpacked files",
        description="Write cifar10_train_lmdb and cifar10_test_lmdb, both or none, as Caffe's\n"
        "convert_cifar_data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="ROOT", type=Path, help="has data_batch_1.bin to test_batch.bin")
    parser.add_argument("output", metavar="DIR", type=Path, help="folder to write the two sets into")
    parser.add_argument("backend", metavar="lmdb", nargs="?", type=backend, help="format: lmdb")
    _add_rest(parser, "sets that are there", _cifar)


def _add_rest(parser: argparse.ArgumentParser, what: str, convert: Convert) -> None:
    parser.add_argument("--overwrite", action="store_true", help=f"replace {what}")
    add_json(parser)
    parser.set_defaults(run=run, convert=convert)


def run(args: argparse.Namespace) -> int:
    """Write the sets; 0. Raises DataError and FileFormatError."""
    written: dict[str, int] = args.convert(args)
    if args.json:
        print_json({"records": written})
        return OK
    for path, count in written.items():
        print(f"{path}: {count:,} records")
    return OK


def _mnist(args: argparse.Namespace) -> dict[str, int]:
    from owlkit.datasets.idx import read_labelled

    return _write(args, *read_labelled(args.images, args.labels))


def _pairs(args: argparse.Namespace) -> dict[str, int]:
    from owlkit.datasets.idx import make_pairs, read_labelled

    return _write(args, *make_pairs(*read_labelled(args.images, args.labels), args.seed))


def _write(args: argparse.Namespace, images: Any, labels: Any) -> dict[str, int]:
    from owlkit.datasets.convert import put_images
    from owlkit.io.writer import RecordWriter

    with RecordWriter(args.set, overwrite=args.overwrite) as writer:
        put_images(writer, zip(images, labels, strict=True))
    return {str(args.set): len(labels)}


def _cifar(args: argparse.Namespace) -> dict[str, int]:
    from owlkit.datasets.cifar import write_batches

    return write_batches(args.folder, args.output, overwrite=args.overwrite)
