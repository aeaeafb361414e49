"""`owlkit compute-image-mean`: the mean image of an LMDB set."""

from __future__ import annotations

import argparse
from typing import Any

from owlkit.cli.options import add_backend, add_command, add_json, print_json
from owlkit.cli.progress import Progress
from owlkit.cli.status import OK

EXAMPLES = """  owlkit compute-image-mean train_lmdb mean.binaryproto
  owlkit compute-image-mean train_lmdb       # the means of the channels only
"""
DESCRIPTION = """Add up all images of an LMDB set, divide by their number, and write the mean image
as Caffe's compute_image_mean does: for mean_file in a transform_param. The means of
the channels, for mean_value, are printed."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "compute-image-mean", DESCRIPTION, EXAMPLES)
    parser.add_argument("set", metavar="SET", help="LMDB set; its images have one shape")
    parser.add_argument("file", metavar="FILE", nargs="?", help=".binaryproto to write")
    add_backend(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the means of the channels, write the file where one is named; 0."""
    from owlkit.io.mean import mean_of_set, write_mean
    from owlkit.io.records import Records

    records = Records(args.set)
    with Progress("compute-image-mean", len(records), "images") as progress:
        mean = mean_of_set(records, progress.advance)
    if args.file:
        write_mean(args.file, mean)
    values = [float(plane.mean(dtype="float64")) for plane in mean]
    if args.json:
        found = {"set": args.set, "records": len(records), "shape": list(mean.shape)}
        print_json({**found, "mean_values": values, "file": args.file})
        return OK
    print(f"{args.set}: mean of {len(records):,} images, (C, H, W) = {mean.shape}")
    for channel, value in enumerate(values):
        print(f"  mean_value channel [{channel}]: {value:.6g}")
    if args.file:
        print(f"  written to {args.file}")
    return OK
