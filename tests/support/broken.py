"""A right layer, and the same with one mistake each, which every check of gradients has to catch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.layers.base import Arity, Blobs, Layer


class Larger(Layer):
    """y = max(g * a, b), where a tie is won by a; g is learned, one number per column.

    bottom 0, 1 : a, b, (N, D). top 0 : y, (N, D). Learned: g, (D,).
    Gradient: da = g * dy where g * a >= b, db = dy elsewhere, dg += sum over N of a * dy where g * a >= b.
    """

    type = "Larger"
    bottoms = Arity.exactly(2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.g = self.add_param(bottom[0].shape[1:])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scaled = self.g.data * bottom[0].data
        self.wins = self.compare(scaled, bottom[1].data)
        top[0].data[...] = np.maximum(scaled, bottom[1].data)

    def compare(self, scaled: np.ndarray, b: np.ndarray) -> np.ndarray:
        return scaled >= b

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff
        if propagate_down[0]:
            bottom[0].diff[...] = self.wins * self.g.data * dy
        if propagate_down[1]:
            self.write_b(bottom[1], dy)
        self.add_g((self.wins * bottom[0].data * dy).sum(axis=0))

    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] = ~self.wins * dy

    def add_g(self, dg: np.ndarray) -> None:
        self.g.diff[...] += dg


class WrongSign(Larger):
    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] = -(~self.wins * dy)


class MissingAccumulation(Larger):
    def add_g(self, dg: np.ndarray) -> None:
        self.g.diff[...] = dg


class AddsTwice(Larger):
    def add_g(self, dg: np.ndarray) -> None:
        self.g.diff[...] += 2 * dg


class StaleBuffer(Larger):
    """Keeps the comparison of its first pass."""

    first: np.ndarray | None = None

    def compare(self, scaled: np.ndarray, b: np.ndarray) -> np.ndarray:
        if self.first is None or self.first.shape != b.shape:
            self.first = super().compare(scaled, b)
        return self.first


class StaleInput(Larger):
    """Remembers the bottom of the pass before."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.before = getattr(self, "now", bottom[0].data.copy())
        self.now = bottom[0].data.copy()
        super().forward(bottom, top)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        self.g.diff[...] += (self.wins * (self.before - bottom[0].data) * top[0].diff).sum(axis=0)


class BothWinTies(Larger):
    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        self.b_wins = bottom[1].data >= self.g.data * bottom[0].data

    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] = self.b_wins * dy


class OtherWinsTies(Larger):
    def compare(self, scaled: np.ndarray, b: np.ndarray) -> np.ndarray:
        return scaled > b


class NeighbourWins(Larger):
    """Gives the gradient to the row beside."""

    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] = np.roll(~self.wins * dy, 1, axis=0)


class IgnoresPropagateDown(Larger):
    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, [True, True], bottom)


class ForgetsWhereZero(Larger):
    """Does not write a gradient of 0."""

    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[~self.wins] = dy[~self.wins]


class AddsToBottom(Larger):
    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] += ~self.wins * dy


class Silent(Larger):
    def write_b(self, b: Blob, dy: np.ndarray) -> None:
        b.diff[...] = 0


# what is broken -> words of the message
BROKEN: dict[type[Larger], str] = {
    WrongSign: r"bottom 1\[.*backward gives .*, central difference",
    MissingAccumulation: "learned blob 0: a second backward pass does not add",
    AddsTwice: r"learned blob 0\[",
    StaleBuffer: r"bottom 0\[",
    StaleInput: r"a stale buffer",
    BothWinTies: "elements with the value .* moved together",
    NeighbourWins: r"bottom 1\[",
    IgnoresPropagateDown: "written although propagate_down is false",
    ForgetsWhereZero: "gradients are not written",
    AddsToBottom: "gradients are not written",
    Silent: r"bottom 1\[.*backward gives 0",
}
