"""`owlkit demo`: LeNet learns real digits, and the first notebook is executed with its plots."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import owlkit
from owlkit.core.errors import OwlkitError

ENOUGH = 0.98
TEST_BATCHES = 6  # of 60: the 360 digits put aside
NOTEBOOK = Path(owlkit.__file__).resolve().parents[1] / "notebooks" / "01_lenet.ipynb"
NOTEBOOK_SECONDS = 300


def add_arguments(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo", help="train LeNet on real digits and execute the first notebook", description=__doc__
    )
    parser.add_argument(
        "--output", type=Path, default=Path("data/demo"), help="folder (default: %(default)s)"
    )
    parser.add_argument("--iterations", type=int, default=1000, help="of training (default: %(default)s)")
    parser.add_argument("--no-notebook", action="store_true", help="train only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, say how it went, execute the notebook; 0 if 98 % of the test digits or more are read, else 1."""
    args.output.mkdir(parents=True, exist_ok=True)
    solver = make_solver(args.iterations, args.output)
    print(f"owlkit {owlkit.__version__}: LeNet learns 1,437 handwritten digits and is tested on 360 others")
    seconds = train(solver)
    accuracy = float(solver.test()["accuracy"])
    model, _ = solver.snapshot()
    print(summary(solver, seconds, accuracy, model))
    if not args.no_notebook:
        print(f"Executing the lesson {NOTEBOOK.name} ...", flush=True)
        print(f"  with its plots   {execute_notebook(NOTEBOOK, args.output)}   (`make lab` opens the lesson)")
    if accuracy < ENOUGH:
        print(f"Test accuracy {accuracy:.2%} is below the expected {ENOUGH:.0%}.")
        return 1
    print(f"LeNet reads {accuracy:.2%} of the digits it has never seen.")
    return 0


def make_solver(iterations: int, output: Path) -> owlkit.Solver:
    """LeNet on the digits with the settings of the first notebook; snapshots go into `output`."""
    from owlkit import datasets, zoo

    return owlkit.Solver(
        zoo.lenet(datasets.digits("train"), batch_size=64),
        test=zoo.lenet(datasets.digits("test"), batch_size=60, phase="test"),
        base_lr=0.01,
        momentum=0.9,
        weight_decay=5e-4,
        lr_policy="inv",
        gamma=1e-4,
        power=0.75,
        max_iter=iterations,
        test_iter=[TEST_BATCHES],
        test_interval=max(1, iterations // 10),
        snapshot_prefix=str(output / "lenet"),
        seed=1,
    )


def train(solver: owlkit.Solver) -> float:
    """Train to the end, followed by a progress bar; wall-clock seconds."""
    from owlkit.training import Run, TextMonitor

    run = Run(solver, "lenet")
    TextMonitor(run).follow()
    run.run()
    return run.seconds


def summary(solver: owlkit.Solver, seconds: float, accuracy: float, model: str | Path) -> str:
    """A few lines on how the training went."""
    net = solver.net
    speed = solver.iter * net.batch_size / seconds
    return "\n".join(
        [
            f"  test accuracy    {accuracy:.2%}",
            f"  training         {solver.iter} iterations in {seconds:.1f} s, {speed:,.0f} images/s",
            f"  waited for data  {net.data_wait_seconds / seconds:.1%} of the time",
            f"  parameters       {sum(p.blob.count for p in net.learnable):,}",
            f"  device           {net.device.name} ({', '.join(net.device.implementations)})",
            f"  weights          {model}",
        ]
    )


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
    document = nbformat.read(notebook, as_version=4)
    target = output / notebook.name
    client = nbclient.NotebookClient(
        document, timeout=NOTEBOOK_SECONDS, resources={"metadata": {"path": str(notebook.parent)}}
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise OwlkitError(f"a cell of {target} failed: {error.ename}: {error.evalue}") from error
    finally:
        nbformat.write(document, target)
    return target
