"""What the update rules share: their history in flat groups, weight decay, and the scale of the gradient.

A net keeps its parameters in flat groups of equal lr_mult and decay_mult, so that one call updates a group.
The order of an update is Caffe's: the gradient is clipped and divided by iter_size (one factor of it), then
weight decay is added, then the rule computes the step, then the step is subtracted.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from owlkit.core.errors import TrainingError, closest
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import norms, update


class UpdateRule:
    """Base of the update rules. A rule is made for one solver and one net; kernels/update computes it.

    slots : history arrays per parameter. In files all first ones come before all second ones, as in Caffe.
    rate_in_history : the history has the learning rate as a factor, so that it stays 0 where lr_mult is 0.
    unused : fields of the solver that must not be set to anything but 0 with this rule.
    shares : fields that say which share of a history is kept, from 0 to 1. below_one : whether 1 is refused.
    """

    name: ClassVar[str] = ""
    slots: ClassVar[int] = 1
    rate_in_history: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[tuple[str, ...]] = ()
    below_one: ClassVar[bool] = False

    #: Whether the gradients hold what was subtracted after an update, as Caffe leaves them: another pass over
    #: the memory, for those who look at it.
    leaves_update = False

    def __init__(self, param: Any, net: Any) -> None:
        for field in self.unused:
            if getattr(param, field):
                raise TrainingError(
                    f"{self.name} has no {field} (found {getattr(param, field):g}); remove it"
                )
        for field in self.shares:
            value = getattr(param, field)
            if not 0 <= value <= 1 or (self.below_one and value == 1):
                bound = "below 1" if self.below_one else "to 1"
                raise TrainingError(f"{field} is {value:g}; {self.name} keeps that share: give 0 {bound}")
        self.param, self._learnable = param, list(net.learnable)
        self._captures = net.captures
        self._scale = net.loss_scale
        self.groups: list[Any] = list(net.arena)
        self.histories = [[Tensor(g.data.descriptor) for g in self.groups] for _ in range(self.slots)]
        self._kernels = [update.make(net.device, self._spec(g.data.descriptor)) for g in self.groups]
        self._lay_factors()
        self.history_tensors = [
            view for slot in self.histories for view in self._views(net.learnable, self.groups, slot)
        ]
        values = tuple(group.diff.descriptor for group in self.groups)
        self._clipping = update.make_clip(net.device, update.Clip(values))
        self._clip_factor = Tensor(Descriptor((1,), "float64"))
        self._norms = norms.make(net.device, norms.Norms(tuple(p.blob.descriptor for p in self._learnable)))
        self.history_changed()

    def _lay_factors(self) -> None:
        """On a GPU the factors of all groups lie side by side, so that one copy takes them there."""
        on_gpu = [kernel for kernel in self._kernels if hasattr(kernel, "lay_factors")]
        if not on_gpu:
            return
        kind = self.groups[0].data.dtype
        table = Tensor(Descriptor((4 * len(on_gpu),), kind))
        for place, kernel in enumerate(on_gpu):
            kernel.lay_factors(table.part(4 * place, Descriptor((3,), kind)))

    @staticmethod
    def _views(learnable: Sequence[Any], groups: Sequence[Any], slot: list[Tensor]) -> Iterator[Tensor]:
        """The history of each parameter, in Caffe's order, as a part of the flat history with its layout."""
        places = {
            id(parameter.blob): history.part(place.start, parameter.blob.descriptor)
            for group, history in zip(groups, slot, strict=True)
            for parameter, place in group.slices()
        }
        for parameter in learnable:
            yield places[id(parameter.blob)]

    @property
    def history(self) -> list[np.ndarray]:
        """The history of each parameter in Caffe's order, views, writable."""
        return [tensor.array for tensor in self.history_tensors]

    def history_changed(self) -> None:
        """Find the groups whose update would change nothing; call it whenever `history` was written to."""
        self._idle = {
            index
            for index, group in enumerate(self.groups)
            if self.rate_in_history and group.lr_mult == 0 and not self.histories[0][index].peek().any()
        }

    def apply(self, rate: float, scale: float, iteration: int, guard: Any = None) -> None:
        """Clip the gradients and update all parameters; none where a loss scale has made one infinite or NaN.

        rate : the learning rate. scale : factor of the accumulated gradients. iteration : updates done.
        guard : of the net, where its losses have not been looked at yet.
        """
        self.set_factors(rate, scale, iteration)
        if self._captures is None:
            self.launch(guard)
        else:
            self._captures.repeat("update", self.variant(guard), partial(self.launch, guard))

    def variant(self, guard: Any = None) -> Hashable:
        """What `launch` depends on besides memory."""
        return self.leaves_update, self.param.clip_gradients, frozenset(self._idle), guard is not None

    def set_factors(self, rate: float, scale: float, iteration: int) -> None:
        """Tell the kernels what changes from iteration to iteration."""
        decay, rate = self.param.weight_decay, self.rate(rate, iteration)
        for index, group in enumerate(self.groups):
            if index not in self._idle:
                self._kernels[index].set_factors(rate * group.lr_mult, scale, decay * group.decay_mult)

    def launch(self, guard: Any = None) -> None:
        """Clip and update by the factors that were set; on a GPU nothing here waits for the host."""
        judge = guard or self._scale
        state = () if judge is None else (judge.state,)
        if guard is not None:
            guard.judge()
        clip = self._clip_by(self.param.clip_gradients) if self.param.clip_gradients > 0 else None
        for index, group in enumerate(self.groups):
            if index not in self._idle:
                history = tuple(slot[index] for slot in self.histories)
                self._kernels[index](group.data, group.diff, history, clip, self.leaves_update, *state)
            elif self.leaves_update:
                group.diff.zero()
        if self._scale is not None:
            self._scale.follow()

    def norms(self, role: str) -> np.ndarray:
        """L2 norm of each parameter's "data", "diff" or first "history", in Caffe's order, float64.

        On a GPU they are made there, and only the norms come to the host.
        """
        tensors = {
            "data": [parameter.blob.data_tensor for parameter in self._learnable],
            "diff": [parameter.blob.diff_tensor for parameter in self._learnable],
            "history": self.history_tensors[: len(self._learnable)],
        }[role]
        return np.asarray(self._norms(tensors))

    def _clip_by(self, limit: float) -> Tensor:
        """The factor, (1,), that brings the norm of all gradients down to `limit`."""
        self._clipping([group.diff for group in self.groups], limit, self._clip_factor)
        return self._clip_factor

    def rate(self, rate: float, iteration: int) -> float:
        """The rate that the kernels get."""
        return rate

    def _spec(self, values: Descriptor) -> update.Update:
        p = self.param
        l1 = p.regularization_type == "L1"
        return update.Update(self.name, values, l1, p.momentum, p.momentum2, p.rms_decay, p.delta)


def check_regularization(param: Any) -> None:
    """Raise TrainingError for a regularization_type other than L1 and L2."""
    kind = param.regularization_type
    if kind not in ("L1", "L2"):
        hint = closest(kind, ["L1", "L2"])
        raise TrainingError(f"unknown regularization_type {kind!r}{hint}; it is L1 or L2")
