"""`owlkit train`: train a net as a solver file says."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import Any, NamedTuple

from owlkit.cli import caffe_log
from owlkit.cli.options import add_command, add_device, add_json, commas, device, print_json
from owlkit.cli.output import follow, tell
from owlkit.cli.status import FAILED, INTERRUPTED, OK
from owlkit.core.errors import DataError, TrainingError

EFFECTS = ("stop", "snapshot", "none")
AUTO = "auto"
_OF_THE_RATE = {"base_lr", "lr_policy", "gamma", "power", "stepsize", "stepvalue"}
EXAMPLES = """  owlkit train --solver solver.prototxt
  # go on from a snapshot
  owlkit train --solver solver.prototxt --snapshot lenet_iter_500.solverstate
  # go on from the newest snapshot that is whole; begin where there is none
  owlkit train --solver solver.prototxt --snapshot auto
  # fine-tune
  owlkit train --solver solver.prototxt --weights bvlc.caffemodel
  owlkit train --solver solver.prototxt --set base_lr=0.001 --set max_iter=100
"""
DESCRIPTION = """Train a net as a solver file says. Ctrl-C, or SIGTERM from a batch system, stops after
the iteration and writes a snapshot; so does an error in the data, which leaves the
weights whole. SIGHUP writes a snapshot and goes on."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "train", DESCRIPTION, EXAMPLES)
    parser.add_argument("--solver", required=True, metavar="FILE", help="solver prototxt")
    parser.add_argument(
        "--snapshot",
        metavar="FILE",
        help=".solverstate to go on from, or auto: the one written last that is whole",
    )
    parser.add_argument(
        "--weights",
        type=commas,
        metavar="FILE[,FILE]",
        help=".caffemodel(s) to start from; with --snapshot auto only where there is no snapshot yet",
    )
    add_training(parser)
    parser.set_defaults(run=run)


def add_training(parser: argparse.ArgumentParser) -> None:
    """What `train` and `resume` have in common."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="FIELD=VALUE",
        help="override a solver field; may be given several times. A list: stepvalue=[100,200]",
    )
    for signal, usual in (("sigint", "stop"), ("sighup", "snapshot")):
        name = {"sigint": "Ctrl-C", "sighup": "SIGHUP"}[signal]
        parser.add_argument(
            f"--{signal}_effect",
            choices=EFFECTS,
            default=usual,
            help=f"what {name} does (default: %(default)s)",
        )
    # Caffe's way to give the solver's train_state
    parser.add_argument("--level", type=int, metavar="N", help="level of the training net's state")
    parser.add_argument("--stage", type=commas, metavar="A,B", help="stages of the training net's state")
    add_device(parser)
    caffe_log.add_caffe_log(parser)
    add_json(parser)
    parser.set_defaults(wrong_usage=parser.error)


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
    """0 where the training finished, 130 where it was stopped by Ctrl-C; DivergedError where it diverged."""
    if args.weights and args.snapshot not in (None, AUTO):
        args.wrong_usage("--snapshot FILE goes on where it was, --weights starts anew: give one of them")
    return train(args, required=False)


def train(args: argparse.Namespace, *, required: bool) -> int:
    """Train; required : whether `--snapshot auto` must find a snapshot (DataError)."""
    with caffe_log.shown(args):
        return _train(args, required)


def _train(args: argparse.Namespace, required: bool) -> int:
    from owlkit.solvers import Solver
    from owlkit.training import Run

    fields, place = _fields(args), device(args)
    snapshot = _newest(args.solver, fields, required) if args.snapshot == AUTO else args.snapshot
    # A snapshot holds weights; those that the command line or the solver file names are for a beginning.
    weights = [] if snapshot else args.weights
    solver = Solver(args.solver, weights=weights, device=place, dtype=args.dtype, **fields)
    if snapshot:
        solver.restore(snapshot)
        if caffe_log.asked_for(args):
            caffe_log.tell(f"Resuming from {snapshot}")
        else:
            _tell(args, f"resuming {snapshot} at iteration {solver.iter}")
        _take_rate(args, solver)
    if snapshot and _nothing_left(solver):
        tell(
            f"max_iter {solver.param.max_iter} is already reached; nothing to do (--set max_iter=N raises it)"
        )
        if args.json:
            print_json({**_report(Run(solver)), "state": "finished"})
        return OK
    effects = {"sigint_effect": args.sigint_effect, "sighup_effect": args.sighup_effect}
    run = Run(solver, **effects, save_on_failure=True)
    try:
        all_told = _watched(args, run)
    except Exception as error:
        if run.history.snapshots and not isinstance(error, TrainingError):  # those are about the weights
            _tell(args, _how_to_resume(args, run, snapshot))
        raise
    if args.json:
        print_json(_report(run))  # also where what was told on the way could not be written
    elif not all_told:
        return FAILED
    if run.state != "stopped":
        return OK
    _tell(args, _how_to_resume(args, run, snapshot))
    return INTERRUPTED


def _take_rate(args: argparse.Namespace, solver: Any) -> None:
    """A rate given on the command line wins over one that was set by hand before the snapshot."""
    given = [assignment.text for assignment in args.set if assignment.name in _OF_THE_RATE]
    if given and solver.extra_state()["lr"] is not None:
        solver.lr = None
        _tell(args, f"--set {' '.join(given)}: lr_policy's learning rate again, {solver.lr:g}")


def _watched(args: argparse.Namespace, run: Any) -> bool:
    """Train to the end, and tell of it; whether all that was told could be written."""
    if not caffe_log.asked_for(args):
        all_written = follow(run, sys.stderr if args.json else sys.stdout, "owlkit train")
        try:
            run.run()
        finally:
            told = all_written()  # also before an error is told: it must not be lost for a full disk
        return told
    caffe_log.follow(run)
    run.run()
    caffe_log.tell_end(run)
    return True


def _tell(args: argparse.Namespace, text: str) -> None:
    if caffe_log.asked_for(args):
        caffe_log.tell(text)
    elif args.json:
        tell(text)
    else:
        print(text, flush=True)


def _nothing_left(solver: Any) -> bool:
    return bool(solver.param.HasField("max_iter") and solver.iter >= solver.param.max_iter)


def _newest(path: str, fields: dict[str, Any], required: bool) -> str | None:
    """The newest whole snapshot of a solver file; what was passed over, or left behind, is told on stderr."""
    from owlkit.solvers.definition import read_definition
    from owlkit.solvers.latest import newest_sound

    definition = read_definition(path, None, fields)
    prefix = definition.param.snapshot_prefix or definition.default_prefix
    found = newest_sound(prefix)
    if found is None and required:
        raise DataError(
            f"there is no snapshot {prefix}_iter_N.solverstate to go on from; `owlkit train` begins anew"
        )
    if found is None:
        tell(f"no snapshot {prefix}_iter_N.solverstate yet: beginning")
        return None
    for remark in found.remarks:
        tell(remark)
    return str(found.state)


def _how_to_resume(args: argparse.Namespace, run: Any, started: str | None) -> str:
    """The command that goes on from the last snapshot. started : the snapshot that this training is from."""
    written = run.history.snapshots
    state = written[-1].state if written else started
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
    """What --set gives; of a repeated field that is given again a list, as of its lines in a solver file."""
    from owlkit.proto import caffe_pb2

    known, fields = caffe_pb2.SolverParameter.DESCRIPTOR.fields_by_name, {}
    for name, value, text in args.set:
        if name not in fields:
            fields[name] = value
        elif name in known and known[name].is_repeated:
            fields[name] = [*_listed(fields[name]), *_listed(value)]
        else:
            args.wrong_usage(f"--set {text}: {name} is set before, and takes one value: give it once")
    state = {"level": args.level, "stage": args.stage}
    given = {name: value for name, value in state.items() if value is not None}
    return {**fields, "train_state": given} if given else fields


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
