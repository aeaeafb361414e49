"""`owlkit demo`: LeNet learns real digits, and the first notebook is executed with its plots."""

from __future__ import annotations

import argparse
import logging
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import owlkit
from owlkit.cli.options import add_command, positive
from owlkit.cli.output import follow
from owlkit.cli.status import INTERRUPTED
from owlkit.core.errors import OwlkitError

DESCRIPTION = """LeNet learns real handwritten digits, and the first notebook is executed with its
plots. Exit status 1 where fewer than 98 % of the test digits are read."""
EXAMPLES = """  owlkit demo
  owlkit demo --iterations 200 --no-notebook --output /tmp/demo
"""
ITERATIONS = 1000  # enough for ENOUGH
ENOUGH = 0.98
TEST_BATCHES = 6  # of 60: the 360 digits put aside
NOTEBOOK = Path(owlkit.__file__).resolve().parents[1] / "notebooks" / "01_lenet.ipynb"
NOTEBOOK_SECONDS = 300


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "demo", DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("data/demo"), help="folder (default: %(default)s)"
    )
    parser.add_argument(
        "--iterations",
        metavar="N",
        type=positive,
        default=ITERATIONS,
        help="of training (default: %(default)s)",
    )
    parser.add_argument("--no-notebook", action="store_true", help="train only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, say how it went, execute the notebook.

    0 if 98 % of the test digits or more are read, or fewer iterations than usual were asked for; else 1; 130
    where Ctrl-C stopped the training.
    """
    args.output.mkdir(parents=True, exist_ok=True)
    solver = make_solver(args.iterations, args.output)
    print(f"owlkit {owlkit.__version__}: LeNet learns 1,437 handwritten digits and is tested on 360 others")
    net, definition = solver.save_definition(args.output, overwrite=True)
    training = train(solver)
    if training.state == "stopped":
        _tell_how_to_resume(training, definition)
        return INTERRUPTED
    accuracy = float(solver.test()["accuracy"])
    print(summary(training, accuracy))
    then = [("measure again", test_command(net, training.history.snapshots[-1].model))]
    if not args.no_notebook:
        print(f"Executing the lesson {NOTEBOOK.name} ...", flush=True)
        lesson = execute_notebook(NOTEBOOK, args.output)
        print(f"  with its plots   {lesson}")
        then.insert(0, ("see the plots", shlex.join([program("jupyter"), "lab", str(lesson)])))
        then.append(("go through it", "make lab"))
    status, reached = verdict(accuracy, args.iterations)
    print("\n".join([reached, "Next:", *(f"  {why:14} {command}" for why, command in then)]))
    return status


def verdict(accuracy: float, iterations: int) -> tuple[int, str]:
    """The exit status and what was reached, in words."""
    if accuracy < ENOUGH and iterations < ITERATIONS:
        reached = f"LeNet reads {accuracy:.2%} of the digits after {iterations} iterations"
        return 0, f"{reached}; more of them help."
    if accuracy < ENOUGH:
        return 1, f"Test accuracy {accuracy:.2%} is below the expected {ENOUGH:.0%}."
    return 0, f"LeNet reads {accuracy:.2%} of the digits it has never seen."


def program(name: str) -> str:
    """How to call a program of this environment: by its path where the shell would not find it."""
    own = Path(sys.executable).parent
    found = shutil.which(name)
    if found is not None and Path(found).parent == own:
        return name
    here = Path.cwd()
    return str((own / name).relative_to(here) if own.is_relative_to(here) else own / name)


def make_solver(iterations: int, output: Path) -> owlkit.Solver:
    """LeNet on the digits with the settings of the first notebook; snapshots go into `output`."""
    from owlkit import datasets, zoo

    sets = datasets.digits("train"), datasets.digits("test")
    net = zoo.lenet(*sets, batch_size=64, test_batch_size=60).to_proto()
    for layer in net.layer:
        if layer.type == "Data":
            # Random pieces of 24x24 in training: 1,437 images are few, and would be learned by heart.
            layer.transform_param.crop_size = 24
    return owlkit.Solver(
        net,
        base_lr=0.01,
        momentum=0.9,
        weight_decay=5e-4,
        lr_policy="inv",
        gamma=1e-4,
        power=0.75,
        max_iter=iterations,
        test_iter=[TEST_BATCHES],
        test_interval=max(1, iterations // 10),
        average_loss=20,
        snapshot_prefix=str(output / "lenet"),
        seed=1,
    )


def train(solver: owlkit.Solver) -> owlkit.Run:
    """Train to the end, followed by a progress bar."""
    from owlkit.training import Run

    run = Run(solver, "lenet")
    follow(run, sys.stdout, "owlkit demo")
    return run.run()


def _tell_how_to_resume(run: owlkit.Run, definition: Path) -> None:
    command = [program("owlkit"), "train", "--solver", str(definition)]
    command += ["--snapshot", run.history.snapshots[-1].state]
    print(f"stopped before the end; to go on: {shlex.join(command)}")


def test_command(net: Path, weights: str) -> str:
    """The command that measures the weights again."""
    return shlex.join([program("owlkit"), "test", "--model", str(net), "--weights", weights])


test_command.__test__ = False  # type: ignore[attr-defined]  # the name is not meant for pytest


def summary(run: owlkit.Run, accuracy: float) -> str:
    """A few lines to add to what the monitor says at the end."""
    net = run.net
    rows = {
        "test accuracy": f"{accuracy:.2%}",
        "parameters": f"{sum(parameter.blob.count for parameter in net.learnable):,}",
        "device": f"{net.device.name} ({net.device.implementations[0]})",
        "weights": str(run.history.snapshots[-1].model),
    }
    return "\n".join(f"  {name:16} {value}" for name, value in rows.items())


def execute_notebook(notebook: Path, output: Path) -> Path:
    """Run a notebook in a fresh kernel and write it with its outputs into `output`.

    Raises OwlkitError where the notebook or Jupyter is missing, or a cell fails; what ran is written even so.
    """
    if not notebook.is_file():
        raise OwlkitError(f"{notebook} is not there: notebooks come with a checkout; or give --no-notebook")
    try:
        import nbclient
        import nbformat
    except ImportError as error:
        raise OwlkitError(
            f"no {error.name}: pip install 'owlkit[notebook]', or give --no-notebook"
        ) from error
    logging.getLogger("traitlets").setLevel(logging.WARNING)
    document = nbformat.read(notebook, as_version=4)
    target = output / notebook.name
    client = nbclient.NotebookClient(
        document,
        timeout=NOTEBOOK_SECONDS,
        resources={"metadata": {"path": str(output)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise OwlkitError(f"a cell of {target} failed: {error.ename}: {error.evalue}") from error
    finally:
        nbformat.write(document, target)
    return target
