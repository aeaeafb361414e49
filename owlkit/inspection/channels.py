"""Channels of a layer's top as they are looked at: in which order, on which scale, which one is picked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from owlkit.inspection.layerwise import silent

ORDERS = ("index", "largest", "mean")


@dataclass(frozen=True)
class ChannelView:
    """order : one of ORDERS. scale : "own" (each channel's largest magnitude) or "shared" (that of all).

    show : "all" or "dead". selected : the channel in detail; None is the one with the largest mean.
    """

    order: str = "index"
    scale: str = "own"
    show: str = "all"
    selected: int | None = None


class Channels:
    """values : (C, H, W) or (C,). The rules are those of the live view (js/src/activations-data.js).

    planes : (C, H, W), with 0 for what is not finite. lows, highs, means : (C,). dead : numbers of channels
    without a positive value, of layers with a plane. broken : those with NaN or infinite values.
    """

    def __init__(self, values: np.ndarray, view: ChannelView | None = None) -> None:
        raw = values.reshape(values.shape if values.ndim == 3 else (len(values), 1, 1))
        finite = np.isfinite(raw)
        self.view = view or ChannelView()
        self.broken = np.flatnonzero(~finite.all((1, 2)))
        self.planes = np.where(finite, raw, 0)
        self.lows, self.highs = self.planes.min((1, 2)), self.planes.max((1, 2))
        self.means = self.planes.mean((1, 2))
        self.zeros = float((raw == 0).mean())
        self.dead = np.setdiff1d(silent(self.planes), self.broken) if self.flat_size > 1 else self.broken[:0]

    @property
    def flat_size(self) -> int:
        """Values of a channel."""
        return int(self.planes[0].size)

    @property
    def signed(self) -> bool:
        """Whether there are negative values."""
        return bool(self.lows.min() < 0)

    @property
    def most(self) -> float:
        """The largest magnitude of all."""
        return float(max(self.highs.max(), -self.lows.min())) or 1.0

    @cached_property
    def marked(self) -> set[int]:
        """Channels that are dead here, or broken."""
        return {*self.dead.tolist(), *self.broken.tolist()}

    @property
    def selected(self) -> int:
        """The channel in detail. Not that of the largest value: this is often one place at a border, where
        padding looks like an edge."""
        chosen = self.view.selected
        return int(np.argmax(self.means)) if chosen is None else min(max(chosen, 0), len(self.planes) - 1)

    def limit(self, channel: int) -> float:
        """What a channel's values are divided by. A dead one always has the shared scale: its own would blow
        up what is nearly nothing; and single values would all look the same."""
        if self.view.scale == "shared" or self.flat_size == 1 or channel in self.marked:
            return self.most
        return float(max(self.highs[channel], -self.lows[channel])) or self.most

    def shares(self, channel: int) -> np.ndarray:
        """A channel's values over its limit, (H, W): -1 to 1, from 0 on where nothing is negative."""
        return self.planes[channel] / self.limit(channel)

    def ordered(self) -> list[int]:
        """Numbers of the channels that are shown, in their order."""
        by = {"largest": self.highs, "mean": self.means}.get(self.view.order)
        every = range(len(self.planes)) if by is None else np.argsort(-by, kind="stable").tolist()
        return [c for c in every if self.view.show == "all" or c in self.marked]

    def ranking(self) -> list[int]:
        """Channels by falling largest value."""
        return [int(c) for c in np.argsort(-self.highs, kind="stable")]
