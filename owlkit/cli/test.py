"""`owlkit test`: the outputs of a net, averaged over batches."""

from __future__ import annotations

import argparse
import itertools
import sys
from typing import Any

from owlkit.cli import caffe_log
from owlkit.cli.options import add_command, add_json, add_net, add_selection, make_net, positive, print_json
from owlkit.cli.progress import Progress

EXAMPLES = """  owlkit test --model net.prototxt --weights lenet_iter_1000.caffemodel
  # 100 batches, as JSON
  owlkit test -model net.prototxt -weights lenet_iter_1000.caffemodel \\
      -iterations 100 --json
"""
DESCRIPTION = "Run a net over its data and print the mean of each output."
BATCHES = 50  # Caffe's; where the net does not know how many records it has


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "test", DESCRIPTION, EXAMPLES)
    add_net(parser, ".caffemodel; without it untrained")
    parser.add_argument(
        "--iterations",
        metavar="N",
        type=positive,
        help=f"batches (default: one pass over the data set, {BATCHES} where its size is not known)",
    )
    add_selection(parser, "test")
    caffe_log.add_caffe_log(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the outputs; 0."""
    with caffe_log.shown(args):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from owlkit.solvers.testing import one_pass

    net = make_net(args, backward=False)
    known = one_pass(net)
    iterations = args.iterations or (known[0] if known else BATCHES)
    _remark(args, net, known, iterations)
    if caffe_log.asked_for(args):
        caffe_log.tell(f"Running for {iterations} iterations.")
    outputs, loss = _measure(net, iterations, in_caffes_log=caffe_log.asked_for(args))
    images = iterations * net.batch_size
    if args.json:
        print_json({"net": net.name, "images": images, "loss": loss, "outputs": outputs})
        return 0
    if caffe_log.asked_for(args):
        caffe_log.tell_test(net, outputs, loss)
        return 0
    print(f"{net.name or args.model}: {iterations} batches, {images} images")
    for name, value in outputs.items():
        print(f"  {name} = {value:.6g}")
    if _has_total(net):
        print(f"total loss = {loss:.6g}")
    return 0


def _measure(net: Any, iterations: int, *, in_caffes_log: bool) -> tuple[dict[str, float], float]:
    """(outputs, loss), means over the batches. in_caffes_log : tell each batch there instead of a bar."""
    from owlkit.solvers.testing import flatten_outputs, run_batches

    if in_caffes_log:
        numbers = itertools.count()
        result = run_batches(
            net, iterations, on_batch=lambda o: caffe_log.tell_batch(next(numbers), flatten_outputs(o))
        )
    else:
        with Progress("test", iterations, "batches") as progress:
            result = run_batches(net, iterations, on_batch=lambda outputs: progress.advance())
    assert result is not None  # it is never abandoned
    return result


def _remark(args: argparse.Namespace, net: Any, known: tuple[int, int] | None, iterations: int) -> None:
    """Say on stderr what the figures rest on, where that may surprise."""
    if args.weights is None and net.params:
        print("untrained weights: give --weights FILE to measure a trained net", file=sys.stderr)
    if inputs := net.graph.inputs:
        names = ", ".join(map(repr, inputs))
        text = f"nothing fills {names} (Input): the figures are of zeros; give a net with a data layer"
        print(text, file=sys.stderr)
    if known is None and args.iterations is None:
        text = f"the net does not know how many records it has: {BATCHES} batches; --iterations sets others"
        print(text, file=sys.stderr)
    if known is not None and args.iterations is None:
        print(f"one pass over {known[1]} records: {known[0]} batches", file=sys.stderr)
    if known is not None and (read := iterations * net.batch_size) > known[1]:
        print(f"some records count more than once: {read} were read of {known[1]}", file=sys.stderr)


def _has_total(net: Any) -> bool:
    """Whether the loss is more than one of the outputs: a sum, or weighted."""
    from owlkit.caffe.logs import loss_weights

    weights = loss_weights(net)
    return bool(weights) and not any(weights == {name: 1} for name in net.outputs)
