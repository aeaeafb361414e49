"""`owlkit export`: a trained net for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from owlkit.cli.options import add_command, positive
from owlkit.cli.status import OK
from owlkit.core.errors import FileFormatError

EXAMPLES = """  owlkit export deploy.prototxt lenet_iter_10000.caffemodel lenet.onnx
  owlkit export deploy.prototxt net.caffemodel net.onnx --dynamic_batch
  owlkit export deploy.prototxt net.caffemodel net.safetensors
"""
DESCRIPTION = """Write a trained net as ONNX, or its weights as safetensors; the ending of FILE says
which. For ONNX give a deploy definition: its data come from Input layers. Layers that
ONNX cannot express are all named before anything is written."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "export", DESCRIPTION, EXAMPLES)
    parser.add_argument("net", metavar="NET", help="net prototxt")
    parser.add_argument("weights", metavar="WEIGHTS", help=".caffemodel, .caffemodel.h5 or .safetensors")
    parser.add_argument("file", metavar="FILE", help=".onnx or .safetensors to write")
    parser.add_argument(
        "--dynamic_batch", action="store_true", help="leave the first axis of inputs and outputs open (ONNX)"
    )
    parser.add_argument("--opset", type=positive, metavar="N", help="version of ONNX's operators")
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Write the file; 0. Raises NetError with all layers that cannot be expressed."""
    from owlkit.export import export_onnx, export_safetensors

    suffix = Path(args.file).suffix
    if suffix == ".safetensors":
        if args.dynamic_batch or args.opset is not None:
            args.wrong_usage("--dynamic_batch and --opset are for ONNX; leave them out for .safetensors")
        written = export_safetensors(args.net, args.file, weights=args.weights)
    elif suffix == ".onnx":
        given = {} if args.opset is None else {"opset": args.opset}
        written = export_onnx(
            args.net, args.file, weights=args.weights, dynamic_batch=args.dynamic_batch, **given
        )
    else:
        raise FileFormatError(f"{args.file}: the ending says what is written: .onnx or .safetensors")
    print(written)
    return OK
