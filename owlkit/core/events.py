"""What happens during training, as small frozen values that hold host scalars only.

In every event `iter` is the number of updates done when it happened. `seconds` are wall-clock seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class IterationDone:
    """One update was done.

    loss : of this iteration, the mean over `iter_size` sub-batches.
    smoothed_loss : mean of the last `average_loss` losses.
    lr : learning rate used.
    data_seconds : share of `seconds` that was spent waiting for data.
    images : examples seen in this iteration, over all sub-batches.
    late : whether the next iteration has begun already, so that the net is not as this one left it.
    """

    iter: int
    loss: float
    smoothed_loss: float
    lr: float
    seconds: float
    data_seconds: float
    images: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Displayed:
    """The solver's `display` interval came round; outputs are those of the training net.

    outputs : output name -> mean over its elements, e.g. {"loss": 0.31}.
    weights : output name -> loss weight, 0 where it is not a loss.
    """

    iter: int
    smoothed_loss: float
    lr: float
    outputs: Mapping[str, float]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TestDone:
    """A test net was run over its `test_iter` batches.

    outputs : output name -> mean over batches (and elements). loss : None unless `test_compute_loss` is set.
    """

    __test__: ClassVar[bool] = False  # the name is not meant for pytest

    iter: int
    net_index: int
    net_name: str
    outputs: Mapping[str, float]
    loss: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class SnapshotWritten:
    """Weights and solver state are on disk, complete; model and state are paths."""

    iter: int
    model: str
    state: str


@dataclass(frozen=True, slots=True)
class Intervention:
    """Someone took hold of the training.

    kind : "pause", "resume", "step", "lr", "stop", "snapshot" or "back". source : "code" or "button".
    text : what was done, in a few words. before, after : learning rates of an "lr" or a "back", None for
        other kinds.
    """

    iter: int
    kind: str
    text: str
    source: str = "code"
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Rewound:
    """An earlier iteration was put back: training goes on from `iter`, what was done up to `reached` is
    given up. What comes next continues the curve from `iter`."""

    iter: int
    reached: int


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The state of a run changed: "running", "paused", "stopped", "finished", "failed" or "diverged"."""

    iter: int
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something looks wrong, and training goes on."""

    iter: int
    message: str


@dataclass(frozen=True, slots=True)
class Diverged:
    """A value that is not finite appeared, and training stopped.

    loss : of the iteration; where it is not finite, that has reached no parameter. A finite one means that
        weights were looked at and found not to be.
    layer, blob : the first guilty ones in the order of computation, "" if unknown. found : e.g. "NaN" or
        "Inf in 3 of 800 values".
    """

    iter: int
    loss: float
    layer: str
    blob: str
    found: str


Event = (
    IterationDone
    | Displayed
    | TestDone
    | SnapshotWritten
    | Intervention
    | Rewound
    | StateChanged
    | Warned
    | Diverged
)
Listener = Callable[[Any], None]
