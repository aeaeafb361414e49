"""`owlkit train`: train a net as a solver file says."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import Any, NamedTuple

from owlkit.cli.options import add_command, add_device, add_json, commas, device

EFFECTS = ("stop", "snapshot", "none")
EXAMPLES = """  owlkit train --solver solver.prototxt
  owlkit train --solver solver.prototxt --snapshot lenet_iter_500.solverstate    go on from there
  owlkit train --solver solver.prototxt --weights bvlc.caffemodel                fine-tune
  owlkit train --solver solver.prototxt --set base_lr=0.001 --set max_iter=100
"""
DESCRIPTION = """Train a net as a solver file says. Ctrl-C stops after the iteration and writes a snapshot;
SIGHUP writes a snapshot and goes on."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "train", "train a net", DESCRIPTION, EXAMPLES)
    parser.add_argument("--solver", "-solver", required=True, metavar="FILE", help="solver prototxt")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--snapshot", "-snapshot", metavar="FILE", help=".solverstate to resume from")
    start.add_argument(
        "--weights", "-weights", type=commas, metavar="FILE[,FILE]", help=".caffemodel(s) to start from"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="FIELD=VALUE",
        help="override a solver field",
    )
    parser.add_argument(
        "--sigint_effect", "-sigint_effect", choices=EFFECTS, default="stop", help="of Ctrl-C"
    )
    parser.add_argument(
        "--sighup_effect", "-sighup_effect", choices=EFFECTS, default="snapshot", help="of SIGHUP"
    )
    # Caffe's way to give the solver's train_state
    parser.add_argument("--level", "-level", type=int, help="level of the training net's state")
    parser.add_argument(
        "--stage", "-stage", type=commas, metavar="A,B", help="stages of the training net's state"
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


class Assignment(NamedTuple):
    """An override of a solver field. text : as it was given."""

    name: str
    value: Any
    text: str


def assignment(text: str) -> Assignment:
    """`base_lr=0.1` -> "base_lr", 0.1; lists as JSON: `stepvalue=[100,200]`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE")
    try:
        return Assignment(name, json.loads(value), text)
    except ValueError:
        return Assignment(name, value, text)


def run(args: argparse.Namespace) -> int:
    """0 where the training finished, 1 where it diverged, 130 where it was stopped by Ctrl-C."""
    from owlkit.cli.main import INTERRUPTED, OK
    from owlkit.solvers import Solver
    from owlkit.training import Run, TextMonitor

    solver = Solver(args.solver, weights=args.weights, device=device(args), **_fields(args))
    if args.snapshot:
        solver.restore(args.snapshot)
        print(f"resuming {args.snapshot} at iteration {solver.iter}", flush=True) if not args.json else None
    limit = solver.param.max_iter
    if args.snapshot and solver.param.HasField("max_iter") and solver.iter >= limit:
        print(
            f"max_iter {limit} is already reached; nothing to do (--set max_iter=N raises it)",
            file=sys.stderr,
        )
        if args.json:
            print(json.dumps({**_report(Run(solver)), "state": "finished"}))
        return OK
    run = Run(solver, sigint_effect=args.sigint_effect, sighup_effect=args.sighup_effect)
    if not args.json:
        TextMonitor(run, reasons=False).follow()
    run.run()
    if args.json:
        print(json.dumps(_report(run)))
    if run.state != "stopped":
        return OK
    if not args.json:
        print(_how_to_resume(args, run))
    return INTERRUPTED


def _how_to_resume(args: argparse.Namespace, run: Any) -> str:
    """The command that goes on from the last snapshot."""
    written = run.history.snapshots
    state = written[-1].state if written else args.snapshot
    if state is None:
        return "no snapshot was written (snapshot_after_train is false): it cannot be resumed"
    words = ["owlkit", "train", "--solver", args.solver, "--snapshot", state]
    for given in args.set:
        words += ["--set", given.text]
    for name in ("gpu", "level"):
        if (value := getattr(args, name)) is not None:
            words += [f"--{name}", str(value)]
    if args.stage:
        words += ["--stage", ",".join(args.stage)]
    for name, usual in (("sigint_effect", "stop"), ("sighup_effect", "snapshot")):
        if getattr(args, name) != usual:
            words += [f"--{name}", getattr(args, name)]
    return f"to go on: {shlex.join(words)}"


def _fields(args: argparse.Namespace) -> dict[str, Any]:
    fields = {given.name: given.value for given in args.set}
    state = {"level": args.level, "stage": args.stage}
    given = {name: value for name, value in state.items() if value is not None}
    return {**fields, "train_state": given} if given else fields


def _report(run: Any) -> dict[str, Any]:
    history = run.history
    return {
        "state": run.state,
        "iter": run.iter,
        "seconds": run.seconds,
        "loss": float(history.smoothed_loss[-1]) if len(history) else None,
        "images_per_second": history.images_per_second(),
        "data_share": history.data_share,
        "tests": [
            {"iter": test.iter, "net": test.net_index, "outputs": dict(test.outputs)}
            for test in history.tests
        ],
        "snapshots": [{"iter": s.iter, "model": s.model, "state": s.state} for s in history.snapshots],
    }
