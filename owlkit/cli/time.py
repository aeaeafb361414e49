"""`owlkit time`: where the time of an iteration goes."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any, TypeVar

from owlkit.cli import caffe_log
from owlkit.cli.options import add_command, add_json, add_net, add_selection, make_net, positive, print_json
from owlkit.cli.progress import Progress

EXAMPLES = """  owlkit time --model net.prototxt
  owlkit time --model net.prototxt --iterations 20 --json
"""
DESCRIPTION = """Time forward and backward of each layer, and of whole iterations (medians, in
milliseconds). Layers that run as one kernel are timed together: conv1+relu1."""
T = TypeVar("T")
WARM_UP = 2  # iterations before the first that counts: memory is touched, kernels are made


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "time", DESCRIPTION, EXAMPLES)
    add_net(parser, ".caffemodel; it changes no times")
    parser.add_argument(
        "--iterations", metavar="N", type=positive, default=50, help="to time (default: %(default)s)"
    )
    add_selection(parser, "train")
    caffe_log.add_caffe_log(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table; 0."""
    with caffe_log.shown(args):
        net = make_net(args, backward=True)
        if not _runs_backward(net):
            text = f"no layer runs backward, for {_why_not_backward(net)}, or write force_backward: true into"
            print(f"{text} {args.model}", file=sys.stderr)
        found = measure(net, args.iterations)
        if args.json:
            print_json(found)
        elif caffe_log.asked_for(args):
            caffe_log.tell_times(found)
        else:
            print(table(found))
    return 0


def measure(net: Any, iterations: int) -> dict[str, Any]:
    """Medians in milliseconds of whole iterations and of each layer, as `--json` prints them.

    waiting_for_data : share of the iterations' time, 0 to 1.
    """
    from owlkit.inspection.timing import medians

    for _ in range(WARM_UP):
        _once(net)
    with Progress("time", 2 * iterations, "iterations") as progress:
        waited, started = net.data_wait_seconds, time.perf_counter()
        times = [_counted(progress, _once(net)) for _ in range(iterations)]
        share = (net.data_wait_seconds - waited) / (time.perf_counter() - started)
        # A second time with a clock around each layer; it makes the whole a little slower.
        profiles = [_counted(progress, net.plan.profile(1)) for _ in range(iterations)]
    return {
        "net": net.name,
        "batch_size": net.batch_size,
        "iterations": iterations,
        "layers": [
            {
                "name": "+".join(step.layers),
                "type": step.type,
                "forward": 1e3 * step.forward,
                "backward": 1e3 * step.backward,
            }
            for step in medians(profiles)
        ],
        "forward": 1e3 * statistics.median(forward for forward, _ in times),
        "backward": 1e3 * statistics.median(backward for _, backward in times),
        "iteration": 1e3 * statistics.median(forward + backward for forward, backward in times),
        "waiting_for_data": share,
    }


def _counted(progress: Progress, value: T) -> T:
    progress.advance()
    return value


def _runs_backward(net: Any) -> bool:
    return any(node.backward for node in net.graph.nodes)


def _why_not_backward(net: Any) -> str:
    if any(any(node.layer.loss_weights) for node in net.graph.nodes):
        return "nothing learns: give a layer before the loss an lr_mult other than 0"
    return "there is no loss: give the net that is trained"


def _once(net: Any) -> tuple[float, float]:
    net.clear_param_diffs()
    started = time.perf_counter()
    net.forward()
    middle = time.perf_counter()
    if not _runs_backward(net):  # it would write zeros to the diffs of all weights, which take time
        return middle - started, 0.0
    net.backward()
    return middle - started, time.perf_counter() - middle


def table(found: dict[str, Any]) -> str:
    """The measurements as text."""
    width = max([len(layer["name"]) for layer in found["layers"]] + [9])
    head = f"{'layer':{width}}  {'type':16}  forward ms  backward ms"
    title = f"{found['net']}: batches of {found['batch_size']}, medians of {found['iterations']} iterations"
    lines = [title, head]
    for layer in found["layers"]:
        times = f"{layer['forward']:10.3f}  {layer['backward']:11.3f}"
        lines.append(f"{layer['name']:{width}}  {layer['type']:16}  {times}")
    lines.append(f"{'iteration':{width}}  {'':16}  {found['forward']:10.3f}  {found['backward']:11.3f}")
    speed = 1e3 * found["batch_size"] / found["iteration"] if found["iteration"] else 0.0
    lines.append(
        f"{found['iteration']:.3f} ms per iteration, {speed:.0f} images/s, "
        f"{100 * found['waiting_for_data']:.0f} % of the time waiting for data"
    )
    return "\n".join(lines)
