"""Training that can be watched and controlled: runs, their history and monitors."""

from __future__ import annotations

from typing import Any

from owlkit.core import frontends
from owlkit.core.errors import TrainingError
from owlkit.solvers import Solver
from owlkit.training.history import History
from owlkit.training.overwriting import check_apart
from owlkit.training.registry import runs
from owlkit.training.run import Run
from owlkit.training.serving import ACTIVE
from owlkit.training.showing import monitor
from owlkit.training.text_monitor import TextMonitor

__all__ = ["History", "Run", "TextMonitor", "monitor", "runs", "train"]


def train(
    solver: Any = None,
    name: str | None = None,
    *,
    monitor: bool = True,
    compare: Any = None,
    keep_best: str | None = None,
    patience: int | None = None,
    **options: Any,
) -> Run:
    """Train in the background and return the started Run; a monitor is shown.

    solver : a Solver, or what makes one (the path of a solver file, a SolverParameter, a net); `options` then
        go to Solver. None where these name the net: `train(net="train_val.prototxt", base_lr=0.01)`.
    name : for the monitor, and the prefix of snapshots where the solver has none.
    A solver that a run of that name trains already, as where the cell is run again, is left to it: that run
    is shown and returned.
    Raises TrainingError where a run of another name trains this solver, where max_iter leaves nothing to do,
        or where another run or process writes to the same snapshots.
    keep_best, patience : see Run: `keep_best="accuracy"` keeps the weights that did best in the tests.
    monitor : False shows nothing; `run.monitor()` does later. compare : runs to lay the curve over, as there.
    """
    if not isinstance(solver, Solver):
        solver = Solver(solver, **options)
    elif options:
        raise TypeError(_too_late(options))
    if solver.in_use_by is not None:
        return _again(solver.in_use_by, name, monitor, compare)
    _check_room(solver)
    run = Run(solver, name, keep_best=keep_best, patience=patience)
    check_apart(run, [other for other in runs() if other.state in ACTIVE])  # before an empty monitor is shown
    with solver.claim_snapshots(always=run.writes_files):
        pass  # asked now for the same reason; the run claims them when it starts
    _remark_on_inputs(solver)
    if monitor:
        run.monitor(compare)
    return run.start()


def _remark_on_inputs(solver: Solver) -> None:
    """Nobody writes to an Input layer while a run trains."""
    if names := solver.net.inputs:
        frontends.remark(
            f"{', '.join(names)} of net {solver.net.name!r} are Input layers: each iteration of this run has "
            "what they hold now. Data come by a Data layer (owlkit.datasets.from_arrays makes its set) or a "
            "MemoryData layer; "
            f"or write to solver.net.blobs[{names[0]!r}].data and call solver.step(1), in a loop"
        )


def _again(run: Run, name: str | None, monitor: bool, compare: Any) -> Run:
    """The run that trains the solver already, shown."""
    if name not in (None, run.name):
        raise TrainingError(
            f"the solver is being trained by run {run.name!r} already: follow that one "
            "(solver.in_use_by.monitor()), or make another Solver"
        )
    frontends.remark(
        f"the solver is being trained by run {run.name!r} already: this is that "
        "run. To begin anew, run.stop(), make the Solver anew and train that"
    )
    if monitor:
        run.monitor(compare)
    return run


def _check_room(solver: Solver) -> None:
    limit = solver.param.max_iter
    if solver.param.HasField("max_iter") and solver.iter >= limit and not solver.owes_snapshot:
        raise TrainingError(
            f"nothing is left to train: the solver is at iteration {solver.iter} of max_iter {limit}. Make "
            f"it anew to begin again, or go on with a higher one: solver.param.max_iter = {2 * max(limit, 1)}"
        )


def _too_late(options: dict[str, Any]) -> str:
    """What to say of options of a solver that is made already."""
    there = ", ".join(f"{name}=..." for name in options)
    now = ", or load them into this one by solver.net.copy_from(...)" if "weights" in options else ""
    said = f"the solver is made already; {', '.join(options)} would change nothing"
    return f"{said}: give Solver(..., {there}){now}"
