"""`owlkit convert-imageset`: an LMDB set from image files."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from owlkit.cli.options import add_backend, add_command, add_json, not_negative, print_json
from owlkit.cli.progress import Progress
from owlkit.cli.status import OK

EXAMPLES = """  owlkit convert-imageset photos/ train.txt train_lmdb --shuffle \\
      --resize_height 256 --resize_width 256
  # keep the files as they are, with their compression
  owlkit convert-imageset photos/ train.txt train_lmdb --encoded
"""
DESCRIPTION = """Write an LMDB set from image files, as Caffe's convert_imageset does. LIST has a line
`name label` per image, with any white space between; ROOT is put before each name. The set appears under its
name when it is complete; an image that cannot be read ends the conversion, and
nothing is left behind."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "convert-imageset", DESCRIPTION, EXAMPLES)
    parser.add_argument("root", metavar="ROOT", help="folder of the images")
    parser.add_argument("list", metavar="LIST", help="text file: `name label` in each line")
    parser.add_argument("set", metavar="SET", help="folder to write")
    parser.add_argument("--gray", action="store_true", help="one channel instead of three")
    parser.add_argument("--shuffle", action="store_true", help="write the records in a random order")
    parser.add_argument(
        "--seed", type=not_negative, default=0, metavar="N", help="of the random order (default: %(default)s)"
    )
    add_backend(parser)
    parser.add_argument(
        "--resize_height", type=not_negative, default=0, metavar="N", help="pixels (0: as it is)"
    )
    parser.add_argument(
        "--resize_width", type=not_negative, default=0, metavar="N", help="pixels (0: as it is)"
    )
    parser.add_argument("--check_size", action="store_true", help="refuse images of different shapes")
    parser.add_argument("--encoded", action="store_true", help="store image files, not pixels")
    parser.add_argument(
        "--encode_type",
        default="",
        metavar="TYPE",
        help="of files stored: png, jpg, ... (sets --encoded)",
    )
    parser.add_argument(
        "--skip_unreadable",
        action="store_true",
        help="tell of images that cannot be read and go on without them, as Caffe does; wrong lines of LIST "
        "are errors nevertheless, told all at once: they say nothing of what was meant",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a set that is there")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the set; 0. Raises DataError with what went wrong."""
    from owlkit.datasets.image_files import Conversion, convert_images, read_list

    conversion = Conversion(
        color=not args.gray,
        height=args.resize_height,
        width=args.resize_width,
        check_size=args.check_size,
        encoded=args.encoded,
        encode_type=args.encode_type,
        shuffle=args.seed if args.shuffle else None,
    )
    entries = read_list(args.root, args.list, conversion.shuffle)
    with Progress("convert-imageset", len(entries), "images") as progress:
        done = convert_images(
            entries,
            args.set,
            conversion,
            overwrite=args.overwrite,
            on_image=progress.advance,
            on_skip=progress.tell if args.skip_unreadable else None,
        )
    if args.json:
        shapes = [{"shape": list(shape), "images": count} for shape, count in done.shapes.items()]
        print_json({"set": args.set, "records": done.count, "shapes": shapes, "skipped": done.skipped})
        return OK
    print(f"{args.set}: {done.count:,} records, {_shapes(done.shapes)}")
    if done.skipped:
        print(f"{len(done.skipped):,} images left out: they cannot be read", file=sys.stderr)
    return OK


def _shapes(shapes: dict[tuple[int, ...], int]) -> str:
    if len(shapes) == 1:
        return f"(C, H, W) = {next(iter(shapes))}"
    return f"of {len(shapes)} shapes (C, H, W), from {min(shapes)} to {max(shapes)}"
