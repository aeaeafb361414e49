"""`owlkit extract-features`: blobs of a net as LMDB sets."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from owlkit.cli.options import (
    add_command,
    add_device,
    add_json,
    backend,
    commas,
    net_without_weights,
    positive,
    print_json,
)
from owlkit.cli.progress import Progress
from owlkit.cli.status import OK
from owlkit.core.errors import DataError, DeviceError, NetError, closest

EXAMPLES = """  # all records of the net's data layer, once
  owlkit extract-features net.caffemodel net.prototxt fc7 fc7_lmdb
  # features and the labels that belong to them
  owlkit extract-features net.caffemodel net.prototxt fc7,label \\
      fc7_lmdb,label_lmdb
  # two blobs, ten batches, in the words of Caffe's tool
  owlkit extract_features net.caffemodel net.prototxt fc7,prob \\
      fc7_lmdb,prob_lmdb 10 lmdb CPU
"""
DESCRIPTION = """Run a trained net over the data of its own data layer and write blobs as LMDB sets,
one Datum with float_data per example, as Caffe's extract_features does. As with
Caffe's, these have no labels (they read as 0): name the blob of the labels too,
whose set has the same keys. Several sets appear together, when all are complete:
where one fails, none is left. Blobs that come from layers to which WEIGHTS gave
nothing are refused."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "extract-features", DESCRIPTION, EXAMPLES)
    parser.add_argument("weights", metavar="WEIGHTS", help=".caffemodel")
    parser.add_argument("model", metavar="NET", help="net prototxt with a data layer")
    parser.add_argument("blobs", metavar="BLOB[,BLOB]", type=commas, help="names of blobs")
    parser.add_argument("sets", metavar="SET[,SET]", type=commas, help="folders to write, one per blob")
    parser.add_argument(
        "batches", metavar="BATCHES", nargs="?", type=positive, help="default: one pass over the data"
    )
    parser.add_argument("backend", metavar="lmdb", nargs="?", type=backend, help="format: lmdb")
    parser.add_argument("mode", metavar="CPU|GPU", nargs="?", choices=("CPU", "GPU"), help="default: CPU")
    parser.add_argument("device_id", metavar="ID", nargs="?", help="of the GPU")
    parser.add_argument("--overwrite", action="store_true", help="replace sets that are there")
    parser.add_argument(
        "--untrained",
        action="store_true",
        help="write blobs too that come from layers without weights in WEIGHTS, whose fillers' values count",
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run, phase="test", level=0, stage=[])


def run(args: argparse.Namespace) -> int:
    """Write the sets; 0. Raises NetError for an unknown blob, DataError where a set cannot be written."""
    from owlkit.io.features import write_features
    from owlkit.solvers.testing import one_pass

    _read_mode(args)
    _check_targets(args.blobs, args.sets)
    net = _trained_net(args)
    known = one_pass(net)
    if args.batches is None and known is None:
        raise DataError(f"{args.model} does not know how many records it has: give BATCHES")
    count = args.batches or (known[0] if known else 0)
    limit = known[1] if args.batches is None and known else None
    with Progress("extract-features", count, "batches") as progress:
        written = write_features(
            lambda: _next(net),
            dict(zip(args.blobs, args.sets, strict=True)),
            count,
            limit=limit,
            overwrite=args.overwrite,
            on_batch=progress.advance,
        )
    if args.json:
        print_json({name: {"records": n, "shape": list(shape)} for name, (n, shape) in written.items()})
        return OK
    for (name, (records, shape)), path in zip(written.items(), args.sets, strict=True):
        print(f"{path}: {records:,} records of {name}, (C, H, W) = {shape}")
    return OK


def _trained_net(args: argparse.Namespace) -> Any:
    """The net with its weights. Raises NetError for a blob that it lacks, or that is not of these weights."""
    from owlkit.solvers.loading import described, listed, load

    net = net_without_weights(args, backward=False)
    for name in args.blobs:
        if name not in net.blobs:
            raise NetError(f"{args.model} has no blob {name!r}{closest(name, net.blobs)}")
    _check_fed(args, net)
    report = load(net, args.weights)
    print(described(report), file=sys.stderr)
    for name in args.blobs:
        untrained = _layers_beneath(net, name) & set(report.missing)
        if untrained and not args.untrained:
            names = listed([layer for layer in report.missing if layer in untrained])
            raise NetError(
                f"blob {name!r} comes from layers that have no weights in {args.weights}: {names}. Its "
                "features would be of random weights: give the weights of this net, or --untrained where "
                "that is meant"
            )
    return net


def _check_fed(args: argparse.Namespace, net: Any) -> None:
    """Raise NetError for a blob that comes from Input layers alone: features of zeros look like others."""
    sources = {node.layer.name: node.layer.type for node in net.graph.nodes if not node.bottom}
    for name in args.blobs:
        beneath = _layers_beneath(net, name) & sources.keys()
        unfed = sorted(source for source in beneath if sources[source] == "Input")
        if unfed and all(sources[source] in ("Input", "Parameter") for source in beneath):
            raise NetError(
                f"blob {name!r} comes from {', '.join(map(repr, unfed))} (Input), which nothing fills here: "
                "put a data layer in its place, as in a train_val.prototxt; for a folder of images and this "
                f"net as it is: owl.features(net, folder, {name!r}) in Python"
            )


def _layers_beneath(net: Any, blob: str) -> set[str]:
    """Names of the layers that a blob's values come from."""
    wanted, found = {blob}, set()
    for node in reversed(net.graph.nodes):
        if wanted.intersection(node.top_names):
            found.add(node.layer.name)
            wanted.update(node.bottom_names)
    return found


def _next(net: Any) -> dict[str, Any]:
    net.forward()
    return {name: blob.data for name, blob in net.blobs.items()}


def _check_targets(blobs: list[str], sets: list[str]) -> None:
    if len(blobs) != len(sets):
        raise DataError(f"{len(blobs)} blobs, but {len(sets)} sets: name one set for each blob")
    for name in blobs:
        if blobs.count(name) > 1:
            raise DataError(f"blob {name!r} is named twice: name it once, and copy its set")
    paths = [os.path.abspath(path) for path in sets]
    for path, name in zip(paths, sets, strict=True):
        if paths.count(path) > 1:
            raise DataError(f"two blobs would be written to {name}: name a set of its own for each")


def _read_mode(args: argparse.Namespace) -> None:
    if args.mode == "GPU" and args.gpu is None:
        args.gpu = args.device_id or "0"
    elif args.mode != "GPU" and args.device_id is not None:
        raise DeviceError(f"a device {args.device_id} is named, but not GPU before it")
    if args.mode == "CPU" and args.gpu is not None:
        print("CPU is named, and --gpu too: --gpu counts", file=sys.stderr)
