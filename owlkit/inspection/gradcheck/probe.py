"""One layer set apart, in float64, with an objective whose slopes can be measured and computed.

The objective is sum(w * tops) with random weights w, which are thus its gradient at the tops.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import resolve_device
from owlkit.inspection.gradcheck.known import carries_gradient

if TYPE_CHECKING:
    from owlkit.layers.base import Layer

EPSILON = float(np.finfo(np.float64).eps)
NOISE = 16  # roundings of the objective that a difference of two may carry


@dataclass(frozen=True)
class Slot:
    """A blob whose gradient is checked: bottom `index`, or learned blob `index`."""

    learned: bool
    index: int
    name: str = ""

    @property
    def label(self) -> str:
        """What it is called in a table: "blobs[0]", or the bottom's name."""
        return f"blobs[{self.index}]" if self.learned else self.name or f"bottom {self.index}"

    def __str__(self) -> str:
        return f"{'learned blob' if self.learned else 'bottom'} {self.index}"


# Elements to move, and by how many steps each: {slot: (positions, signs)}.
Direction = Mapping[Slot, tuple[np.ndarray, np.ndarray]]


def isolate(
    layer: Layer, bottoms: Sequence[np.ndarray], names: Sequence[str], tops: int, in_place: bool
) -> tuple[Layer, list[Blob], list[Blob]]:
    """A fresh layer of the same definition, weights and random state, with blobs of its own, in float64."""
    param = type(layer.param)()
    param.CopyFrom(layer.param)
    rng = copy.deepcopy(layer.rng)
    twin = type(layer)(param, layer.phase, rng)
    twin.dtype, twin.loss_weights = "float64", list(layer.loss_weights)
    bottom = []
    for name, array in zip(names, bottoms, strict=True):
        blob = Blob(np.shape(array), "float64", name)
        blob.data[...] = array
        bottom.append(blob)
    top = [Blob((), "float64", f"top {k}") for k in range(tops)]
    if in_place:
        top[0] = bottom[0]
    twin.setup(bottom, top)
    for mine, theirs in zip(twin.blobs, layer.blobs, strict=True):
        mine.data[...] = theirs.data
    twin.reshape(bottom, top)
    twin.rng.bit_generator.state = layer.rng.bit_generator.state
    if layer.state():
        twin.restore_state(layer.state())
    return twin, bottom, top


def learns(layer: Layer, index: int) -> bool:
    """Whether learned blob `index` is to get a gradient (BatchNorm's statistics are not)."""
    specs = layer.param.param
    return index >= len(specs) or specs[index].lr_mult != 0


class Probe:
    """A layer between its blobs, ready to be run at other values.

    layer : in float64, after setup and reshape. wanted : per bottom, whether its gradient is checked.
    Its random generator and state are set back before each forward pass, so that a mask stays the same, and
    so are learned blobs that forward itself changes.
    """

    def __init__(
        self,
        layer: Layer,
        bottom: Sequence[Blob],
        top: Sequence[Blob],
        wanted: Sequence[bool],
        rng: np.random.Generator,
    ) -> None:
        self.layer, self.bottom, self.top, self.wanted = layer, list(bottom), list(top), list(wanted)
        self.inputs = [np.array(blob.data, order="C") for blob in bottom]
        self.slots = [Slot(False, i, blob.name) for i, blob in enumerate(bottom) if wanted[i]]
        learned = [Slot(True, i) for i in range(len(layer.blobs)) if learns(layer, i)]
        self.slots += learned
        self.forward_passes = 0
        self._rng_state, self._state = layer.rng.bit_generator.state, layer.state()
        layer.propagate_down = list(wanted)
        layer.param_propagate_down = [learns(layer, i) for i in range(len(layer.blobs))]
        layer.prepare(resolve_device(None), self.bottom, self.top)
        before = [blob.data.copy() for blob in layer.blobs]
        self._changed: list[tuple[Blob, np.ndarray]] = []
        self.run_elsewhere()  # what a layer keeps from its first pass must not be right by chance
        self.forward()
        pairs = zip(layer.blobs, before, strict=True)
        self._changed = [(blob, old) for blob, old in pairs if not np.array_equal(blob.data, old)]
        self.weights = [self._weight(k, blob.shape, rng) for k, blob in enumerate(top)]
        self.settle()

    def _weight(self, index: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        if not carries_gradient(self.layer, index):
            return np.zeros(shape)
        return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))

    def settle(self) -> None:
        """Take the tops at the present values as those that differences are measured from.

        Weights and tops are kept flat, in the order of memory, which is what a sum over them reads fastest.
        """
        self.forward()
        self._flat_weights = []
        for blob, weight in zip(self.top, self.weights, strict=True):
            blob.diff[...] = weight
            self._flat_weights.append(blob.diff_tensor.flat.copy())
        self.middle = [blob.data_tensor.flat.copy() for blob in self.top]
        terms = [np.linalg.norm(w * m) for w, m in zip(self._flat_weights, self.middle, strict=True)]
        self.rounding = NOISE * EPSILON * float(np.linalg.norm(terms))

    # -- running
    def values(self, slot: Slot) -> np.ndarray:
        """What forward reads there, writable, in C order."""
        return self.layer.blobs[slot.index].data if slot.learned else self.inputs[slot.index]

    def forward(self) -> None:
        self.forward_passes += 1
        self.layer.rng.bit_generator.state = self._rng_state
        if self._state:
            self.layer.restore_state(self._state)
        for blob, kept in self._changed:
            blob.data[...] = kept
        for blob, array in zip(self.bottom, self.inputs, strict=True):
            blob.data[...] = array
        self.layer.forward(self.bottom, self.top)

    def run_elsewhere(self) -> None:
        """A forward pass at other values: those of each bottom in another order, which suits a logarithm."""
        kept = [array.copy() for array in self.inputs]
        order = np.random.default_rng(0)
        for index, array in enumerate(self.inputs):
            if self.wanted[index]:  # labels stay
                array.reshape(-1)[:] = order.permutation(array.reshape(-1))
        try:
            with np.errstate(all="ignore"):
                self.forward()
        finally:
            for array, old in zip(self.inputs, kept, strict=True):
                array[...] = old

    def backward(self, wanted: Sequence[bool] | None = None) -> None:
        """All that a layer does not write stays NaN; parameter gradients are added to what they hold."""
        for blob in self.bottom:
            blob.diff[...] = np.nan
        for blob, weight in zip(self.top, self.weights, strict=True):
            blob.diff[...] = weight
        self.layer.backward(self.top, self.wanted if wanted is None else list(wanted), self.bottom)

    def clear(self) -> None:
        for blob in self.layer.blobs:
            blob.clear_diff()

    def diffs(self) -> dict[Slot, np.ndarray]:
        """The gradients as they are now, flat, in C order."""
        blobs: dict[Slot, Any] = {
            s: (self.layer.blobs if s.learned else self.bottom)[s.index] for s in self.slots
        }
        return {slot: np.array(blob.diff, order="C").reshape(-1) for slot, blob in blobs.items()}

    def gradients(self) -> dict[Slot, np.ndarray]:
        """One forward and one backward pass: the analytic gradient of each slot, flat."""
        self.forward()
        self.clear()
        self.backward()
        return self.diffs()

    # -- measuring
    def slopes(self, along: Direction, step: float) -> tuple[float, float]:
        """(left, right) slope of the objective at the present values."""
        return -self._change(along, -step) / step, self._change(along, step) / step

    def _change(self, along: Direction, step: float) -> float:
        """Of the objective; summed over differences of the tops, so that what does not move cancels."""
        kept = []
        for slot, (positions, signs) in along.items():
            values = self.values(slot).flat  # in C order, wherever the elements lie
            kept.append((slot, positions, values[positions]))
            values[positions] = values[positions] + step * signs
        try:
            self.forward()
        finally:
            for slot, positions, old in kept:
                self.values(slot).flat[positions] = old  # asked for again: a GPU has taken them
        tops = zip(self._flat_weights, self.top, self.middle, strict=True)
        return float(sum(w @ (blob.data_tensor.flat - middle) for w, blob, middle in tops))

    def step_for(self, slot: Slot, step: float) -> float:
        """`step` times the typical size of the values there, where that is not tiny."""
        values = self.values(slot)
        return step * max(float(np.sqrt(np.mean(np.square(values)))) if values.size else 1.0, 1e-2)
