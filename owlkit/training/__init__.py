"""Training that can be watched and controlled: runs, their history and monitors."""

from __future__ import annotations

from typing import Any

from owlkit.solvers import Solver
from owlkit.training.history import History
from owlkit.training.registry import runs
from owlkit.training.run import Run
from owlkit.training.showing import monitor
from owlkit.training.text_monitor import TextMonitor

__all__ = ["History", "Run", "TextMonitor", "monitor", "runs", "train"]


def train(
    solver: Any, name: str | None = None, *, monitor: bool = True, compare: Any = None, **options: Any
) -> Run:
    """Train in the background and return the started Run; a monitor is shown.

    solver : a Solver, or what makes one (the path of a solver file, a SolverParameter, a net); `options` then
        go to Solver.
    name : for the monitor, and the prefix of snapshots where the solver has none.
    monitor : False shows nothing; `run.monitor()` does later. compare : runs to lay the curve over, as there.
    """
    if not isinstance(solver, Solver):
        solver = Solver(solver, **options)
    elif options:
        raise TypeError(f"the solver is made already; {', '.join(options)} would change nothing")
    run = Run(solver, name)
    if monitor:
        run.monitor(compare)
    return run.start()
