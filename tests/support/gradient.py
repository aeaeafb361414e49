"""Gradients of one layer against central differences in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from tests.support.one_layer import OneLayer

STEP = 1e-5
KINK = 1e-3  # left and right slopes that differ by more, relative to the largest, mark a kink
TOLERANCE = 1e-6  # relative to the largest derivative of the blob
MAY_SKIP = 0.1  # of the elements, for kinks
MUST_MOVE = 0.1  # of the derivatives are not 0, or the check would pass for a layer that does nothing


class GradientCheck:
    """The objective is sum(weights * tops) with random weights, which are its gradient at the tops.

    net : in float64. The layer's generator is set back before each forward pass, so a mask stays the same.
    """

    def __init__(self, net: OneLayer, seed: int = 1) -> None:
        self.net, self.layer = net, net.layer
        rng = np.random.default_rng(seed)
        self.inputs = [blob.data.copy() for blob in net.bottom]
        self._state = self.layer.rng.bit_generator.state
        self._weights = [rng.standard_normal(blob.shape) for blob in net.top]

    def forward(self) -> float:
        self.layer.rng.bit_generator.state = self._state
        for blob, array in zip(self.net.bottom, self.inputs, strict=True):
            blob.data[...] = array
        self.layer.forward(self.net.bottom, self.net.top)
        pairs = zip(self._weights, self.net.top, strict=True)
        return float(sum((w * blob.data).sum() for w, blob in pairs))

    def analytic(self, wanted: Sequence[bool]) -> None:
        """Backward, into the blobs' diffs."""
        self.forward()
        for blob in self.layer.blobs:
            blob.clear_diff()
        self.backward(wanted)

    def backward(self, wanted: Sequence[bool]) -> None:
        for blob in self.net.bottom:
            blob.diff[...] = np.nan
        for blob, weight in zip(self.net.top, self._weights, strict=True):
            blob.diff[...] = weight
        self.layer.backward(self.net.top, wanted, self.net.bottom)

    def numeric(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(left, right) slopes of the objective along each element of `values`, which forward reads."""
        middle = self.forward()
        left, right = np.empty(values.shape), np.empty(values.shape)
        for index in np.ndindex(values.shape):
            kept = values[index]
            values[index] = kept + STEP
            right[index] = (self.forward() - middle) / STEP
            values[index] = kept - STEP
            left[index] = (middle - self.forward()) / STEP
            values[index] = kept
        return left, right

    def compare(self, what: str, values: np.ndarray, found: np.ndarray) -> None:
        left, right = self.numeric(values)
        scale = max(1.0, float(np.abs([left, right]).max(initial=0)))
        smooth = np.abs(left - right) <= KINK * scale
        assert smooth.mean() >= 1 - MAY_SKIP, f"{what}: {(~smooth).sum()} of {smooth.size} elements at a kink"
        expected = (left + right) / 2
        wrong = smooth & ~(np.abs(found - expected) <= TOLERANCE * scale)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise AssertionError(
                f"{what}{list(index)}: backward gives {found[index]:.9g}, central difference "
                f"{expected[index]:.9g}; {wrong.sum()} of {wrong.size} elements are wrong"
            )
        moving = np.count_nonzero(found) / found.size
        assert moving >= MUST_MOVE, (
            f"{what}: only {moving:.0%} of the gradient is not zero; choose other values"
        )


def check_gradients(
    net: OneLayer, *, bottoms: Sequence[int] | None = None, in_place: bool = False, accumulate: bool = True
) -> None:
    """AssertionError, naming blob and element, where a gradient is not that of central differences.

    bottoms : which to check; by default all that get a gradient.
    in_place : let top 0 be bottom 0.
    accumulate : whether to check that a second backward pass adds to the learned blobs' gradients.
    """
    if in_place:
        net.top[0] = net.bottom[0]
        net.reshape()
    layer = net.layer
    chosen = [i for i in range(len(net.bottom)) if i not in layer.no_gradient] if bottoms is None else bottoms
    wanted = [i in chosen for i in range(len(net.bottom))]
    check = GradientCheck(net)
    check.analytic(wanted)
    learned = {f"learned blob {i}": blob for i, blob in enumerate(layer.blobs) if _learns(net, i)}
    found = {f"bottom {i}": net.bottom[i].diff.copy() for i in chosen}
    found |= {name: blob.diff.copy() for name, blob in learned.items()}
    for i in chosen:
        check.compare(f"bottom {i}", check.inputs[i], found[f"bottom {i}"])
    for name, blob in learned.items():
        check.compare(name, blob.data, found[name])
    if accumulate and learned:
        _check_accumulation(check, learned, wanted, found)


def _learns(net: OneLayer, index: int) -> bool:
    specs = net.layer.param.param
    return index >= len(specs) or specs[index].lr_mult != 0


def _check_accumulation(
    check: GradientCheck, learned: dict[str, Blob], wanted: Sequence[bool], once: dict[str, np.ndarray]
) -> None:
    check.analytic(wanted)
    check.forward()
    check.backward(wanted)
    for name, blob in learned.items():
        np.testing.assert_allclose(blob.diff, 2 * once[name], 1e-9, 1e-9, err_msg=f"{name}, added to")
