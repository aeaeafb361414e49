"""Half precision beside float32: weights before a pass, their gradients after it, the scale of the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import masters
from owlkit.net.parameters import Parameter


class LossScale:
    """What the losses of a float16 net are multiplied by, so that small gradients survive; it adapts itself.

    state : tensor, see `kernels.masters`. losses : the blobs whose `diff` backward starts from, and their
    weights.
    """

    def __init__(self, device: Device, losses: Sequence[tuple[Blob, float]]) -> None:
        self._losses = losses
        self._kernel = masters.make_scale(device)
        self.state = Tensor(masters.STATE)
        self._found = self.state.part(masters.FOUND, Descriptor((1,)))
        self.set(masters.FIRST)

    def set(self, scale: float, streak: int = 0, skipped: int = 0) -> None:
        """Go on from this scale, after `streak` good updates with it and `skipped` left out before."""
        self.state.array[...] = scale, 1 / scale, 0, streak, skipped, 0

    @property
    def value(self) -> float:
        """The scale now; reading it waits for the GPU."""
        return float(self.state.peek()[masters.SCALE])

    @property
    def skipped(self) -> int:
        """Updates that were left out because a gradient was not finite."""
        return int(self.state.peek()[masters.SKIPPED])

    def begin(self) -> None:
        """Multiply what backward starts from."""
        for blob, _ in self._losses:
            self._kernel.rescale(blob.diff_tensor, self.state, masters.SCALE)

    def end(self) -> None:
        """Leave it as it was: the scale is a power of two, so nothing was rounded."""
        for blob, _ in self._losses:
            self._kernel.rescale(blob.diff_tensor, self.state, masters.INVERSE)

    def abandon(self) -> None:
        """The pass has failed, maybe between `begin` and `end`: let the next one start from the weights."""
        for blob, weight in self._losses:
            blob.diff[...] = weight

    def forget(self) -> None:
        """Gradients are written over: what was found in those before says nothing of them."""
        self._found.zero()

    def follow(self) -> None:
        """Adapt the scale, after an update."""
        self._kernel.follow(self.state)

    def saved(self) -> dict[str, Any]:
        """JSON-able, for `restore`."""
        values = self.state.peek()
        return {
            "scale": float(values[masters.SCALE]),
            "streak": int(values[masters.STREAK]),
            "skipped": int(values[masters.SKIPPED]),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `saved` returned; ValueError where that makes no sense."""
        scale = float(saved["scale"])
        if not (np.isfinite(scale) and masters.LEAST <= scale <= masters.MOST):
            raise ValueError(f"a loss scale of {scale}")
        self.set(scale, int(saved["streak"]), int(saved["skipped"]))


class Working:
    """The weights of a net in half precision, and what kernels take in their place.

    weights : pairs of weights in float32 and working ones, those of a net included whose weights this one
    shares. learned : this net's parameters, whose gradients are brought back. scale : of the loss, or None.
    """

    def __init__(
        self,
        device: Device,
        weights: Sequence[tuple[Blob, Blob]],
        learned: Sequence[Parameter],
        scale: LossScale | None,
    ) -> None:
        self._weights, self._learned, self.scale = weights, learned, scale
        self._narrow = self._kernel(device, weights)
        self._widen = self._kernel(device, [(p.blob, p.working) for p in learned])

    @staticmethod
    def _kernel(device: Device, pairs: Sequence[tuple[Blob, Blob]]) -> masters.MastersKernel:
        both = ((master.descriptor, working.descriptor) for master, working in pairs)
        first, second = zip(*both, strict=True) if pairs else ((), ())
        return masters.make(device, masters.Masters(first, second))

    def narrow(self) -> None:
        """Round the weights, before a forward pass: somebody may have changed them."""
        pairs = [(m.data_tensor, w.data_tensor) for m, w in self._weights if m.dtype != w.dtype]
        self._narrow.narrow([m for m, _ in pairs], [w for _, w in pairs])

    def before_backward(self, whole: bool = True) -> list[Callable[[], None]]:
        """The calls before a backward pass. A whole one is scaled; parts are not: one may go on where another
        has ended, or start from gradients that somebody has chosen.
        """
        return [self._clear, *([self.scale.begin] if whole and self.scale is not None else [])]

    def after_backward(self, whole: bool = True) -> list[Callable[[], None]]:
        """The calls after it, which add the gradients that were made to those of the weights."""
        if whole and self.scale is not None:
            return [partial(self._bring, self.scale.state), self.scale.end]
        return [partial(self._bring, None)]

    def _clear(self) -> None:
        for parameter in self._learned:
            parameter.working.clear_diff()

    def _bring(self, state: Tensor | None) -> None:
        made = [p for p in self._learned if not p.working.memory("diff").cleared]
        add = [p.blob.begin_accumulate() for p in made]
        if self.scale is not None and state is not None and not any(add):
            self.scale.forget()  # a pass that a user made and threw away may have overflowed
        sources, targets = [p.working.diff_tensor for p in made], [p.blob.diff_tensor for p in made]
        self._widen.widen(sources, targets, add, state)
