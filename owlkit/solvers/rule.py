"""What the update rules share: their history in flat groups, weight decay, and the scale of the gradient.

A net keeps its parameters in flat groups of equal lr_mult and decay_mult, so that one call updates a group.
The order of an update is Caffe's: the gradient is clipped and divided by iter_size (together the factor
`scale`), then weight decay is added, then the rule computes the step, then the step is subtracted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from owlkit.core.errors import TrainingError, closest
from owlkit.core.tensor import Tensor

CHUNK = 1 << 16  # elements: a chunk of each array in use fits into a core's second-level cache


def chunks(count: int) -> Iterator[slice]:
    """Slices that cut `count` elements into chunks."""
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


class UpdateRule(ABC):
    """Base of the update rules. A rule is made for one solver and one net.

    slots : history arrays per parameter. In files all first ones come before all second ones, as in Caffe.
    rate_in_history : the history has the learning rate as a factor, so that it stays 0 where lr_mult is 0.
    unused : fields of the solver that must not be set to anything but 0 with this rule.
    """

    name: ClassVar[str] = ""
    slots: ClassVar[int] = 1
    rate_in_history: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ()

    #: Whether the gradients hold what was subtracted after an update, as Caffe leaves them: another pass over
    #: the memory, for those who look at it.
    leaves_update = False

    def __init__(self, param: Any, net: Any) -> None:
        for field in self.unused:
            if getattr(param, field):
                raise TrainingError(
                    f"{self.name} has no {field} (found {getattr(param, field):g}); remove it"
                )
        self.param = param
        self.groups: list[Any] = list(net.arena)
        self.histories = [[Tensor(g.data.descriptor) for g in self.groups] for _ in range(self.slots)]
        self.history = [
            view for slot in self.histories for view in self._views(net.learnable, self.groups, slot)
        ]
        self.history_changed()

    @staticmethod
    def _views(learnable: Sequence[Any], groups: Sequence[Any], slot: list[Tensor]) -> Iterator[np.ndarray]:
        """The history of each parameter, in Caffe's order, as a view of the flat history in its shape."""
        places = {
            id(parameter.blob): history.flat[part].reshape(parameter.blob.shape)
            for group, history in zip(groups, slot, strict=True)
            for parameter, part in group.slices()
        }
        for parameter in learnable:
            yield places[id(parameter.blob)]

    def history_changed(self) -> None:
        """Find the groups whose update would change nothing; call it whenever `history` was written to."""
        self._idle = {
            index
            for index, group in enumerate(self.groups)
            if self.rate_in_history and group.lr_mult == 0 and not self.histories[0][index].flat.any()
        }

    def apply(self, rate: float, scale: float, iteration: int) -> None:
        """Update all parameters.

        rate : the learning rate. scale : factor of the accumulated gradients. iteration : updates done.
        """
        decay = self.param.weight_decay
        for index, group in enumerate(self.groups):
            if index not in self._idle:
                self.update(index, group, rate * group.lr_mult, scale, decay * group.decay_mult, iteration)
            elif self.leaves_update:
                group.diff.flat[...] = 0

    @abstractmethod
    def update(self, index: int, group: Any, rate: float, scale: float, decay: float, iteration: int) -> None:
        """Update one group; rate and decay have their multipliers in them."""


class ChunkedRule(UpdateRule):
    """Base of the rules that are computed by NumPy, chunk by chunk, without arrays of full size."""

    def update(self, index: int, group: Any, rate: float, scale: float, decay: float, iteration: int) -> None:
        data, diff = group.data.flat, group.diff.flat
        scalar = data.dtype.type
        for part in chunks(data.size):
            w, g = data[part], diff[part]
            if scale != 1:
                g *= scalar(scale)
            add_decay(self.param, w, g, decay)
            step = self.step(g, [slot[index].flat[part] for slot in self.histories], rate, iteration)
            w -= step
            if self.leaves_update:
                g[...] = step

    @abstractmethod
    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        """What to subtract for the gradient `g`, (n,); `history` is brought up to date in place."""


def add_decay(param: Any, w: np.ndarray, g: np.ndarray, decay: float) -> None:
    """Add the gradient of the regularisation, decay * w (L2) or decay * sign(w) (L1), to `g` in place."""
    if decay:
        g += g.dtype.type(decay) * (np.sign(w) if param.regularization_type == "L1" else w)


def gradient_norm(groups: Sequence[Any]) -> float:
    """L2 norm over all gradients."""
    total = 0.0
    for group in groups:
        flat = group.diff.flat
        for part in chunks(flat.size):
            total += float(np.dot(flat[part], flat[part]))
    return total**0.5


def check_regularization(param: Any) -> None:
    """Raise TrainingError for a regularization_type other than L1 and L2."""
    kind = param.regularization_type
    if kind not in ("L1", "L2"):
        hint = closest(kind, ["L1", "L2"])
        raise TrainingError(f"unknown regularization_type {kind!r}{hint}; it is L1 or L2")
