"""The error that ends a training whose loss, or a weight, is no number any more."""

from __future__ import annotations

import math

from owlkit.core import events
from owlkit.core.errors import TrainingError


class DivergedError(TrainingError):
    """The loss, or a weight, is no finite number any more. event : the Diverged event."""

    def __init__(self, event: events.Diverged) -> None:
        self.event = event
        if math.isfinite(event.loss):
            super().__init__(
                f"at iteration {event.iter} weights of layer {event.layer!r} are no numbers any more, blob "
                f"{event.blob!r} ({event.found}), which the loss, {event.loss:.4g}, does not show: go back "
                "to a snapshot, lower base_lr, clip_gradients, or look at the data, for a NaN in them makes "
                "weights NaN"
            )
            return
        where = f"first in layer {event.layer!r}, blob {event.blob!r} ({event.found})" if event.layer else ""
        super().__init__(
            f"the loss of iteration {event.iter} is {event.loss}{', ' if where else ''}{where}; the "
            "parameters were not updated: lower base_lr, clip_gradients, or look at the data"
        )
