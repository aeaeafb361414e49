"""One test of a solver, told to its listeners."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from owlkit.core import events
from owlkit.net.debug_info import log_forward
from owlkit.solvers.testing import run_batches


def measure(solver: Any, index: int, abandon: Callable[[], bool]) -> dict[str, float] | None:
    """Outputs of the solver's test net `index`, means over its test_iter batches.

    abandon : asked between two batches; None is returned where it says so, with the data put back to where
    they were.
    """
    net, started = solver.test_nets[index], time.perf_counter()
    before = net.state()
    each = (lambda outputs: log_forward(net)) if solver.param.debug_info else (lambda outputs: None)
    result = run_batches(net, solver.test_iterations[index], abandon, each)
    if result is None:
        net.restore_state(before)
        return None
    outputs, mean_loss = result
    loss = mean_loss if solver.param.test_compute_loss else None
    seconds = time.perf_counter() - started
    solver.emit(events.TestDone(solver.iter, index, net.name, outputs, loss, seconds))
    return outputs
