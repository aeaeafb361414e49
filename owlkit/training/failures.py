"""What an error that ends a training leaves, and what can be done with it."""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import DeviceError, TrainingError


def leaves_weights_to_save(solver: Any, error: BaseException) -> bool:
    """Whether a snapshot would save something: weights of updates since the last one, which are whole.

    That is so after an error in the data, or in a layer's pass: weights change in updates only. Those of
    training and of devices may be about the weights, or the memory that they lie in.
    """
    doubtful = isinstance(error, TrainingError | DeviceError) or not isinstance(error, Exception)
    return not (doubtful or solver.is_saved or solver.owes_snapshot)


def advice(solver: Any, error: BaseException) -> str:
    """What to say of it, in a line below the error, where the run stays at hand: in a notebook."""
    if solver.owes_snapshot:
        return "\nrun.resume() tries the snapshot again and goes on."
    if not leaves_weights_to_save(solver, error):
        return ""
    return (
        f"\nThe weights of iteration {solver.iter} are whole: run.snapshot() writes them, run.resume() tries "
        "again where it failed."
    )
