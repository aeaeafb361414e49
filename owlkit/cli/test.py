"""`owlkit test`: the outputs of a net, averaged over batches."""

from __future__ import annotations

import argparse
import json
from typing import Any

from owlkit.cli.options import add_command, add_json, add_selection, device, positive

EXAMPLES = """  owlkit test --model net.prototxt --weights lenet_iter_1000.caffemodel
  owlkit test --model net.prototxt --weights lenet_iter_1000.caffemodel --iterations 100 --json
"""
DESCRIPTION = "Run a net over its data and print the mean of each output."


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "test", "measure a trained net", DESCRIPTION, EXAMPLES)
    parser.add_argument("--model", "-model", required=True, metavar="FILE", help="net prototxt")
    parser.add_argument("--weights", "-weights", metavar="FILE", help=".caffemodel; without it untrained")
    parser.add_argument(
        "--iterations", "-iterations", type=positive, default=50, help="batches (default: %(default)s)"
    )
    add_selection(parser, "test")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the outputs; 0."""
    from owlkit.net import Net
    from owlkit.solvers.testing import run_batches

    net = Net(
        args.model,
        phase=args.phase,
        weights=args.weights,
        device=device(args),
        level=args.level,
        stages=tuple(args.stage),
        backward=False,
    )
    result = run_batches(net, args.iterations)
    assert result is not None  # nothing abandons it
    outputs, loss = result
    images = args.iterations * net.batch_size
    if args.json:
        print(json.dumps({"net": net.name, "images": images, "loss": loss, "outputs": outputs}))
        return 0
    print(f"{net.name or args.model}: {args.iterations} batches, {images} images")
    for name, value in outputs.items():
        print(f"  {name} = {value:.6g}")
    if any(layer.loss_weights and any(layer.loss_weights) for layer in net.layers):
        print(f"loss = {loss:.6g}")
    return 0
