"""Which filters of a layer do no work: dead, broken, twice there, or still noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# A filter whose norm is under a tenth of the median does not matter to what follows.
DEAD_OF_MEDIAN = 0.1
# Two filters whose angle is under 11 degrees answer to the same thing, up to scale and sign.
ALIKE_COSINE = 0.98
# Neighbouring weights of a learned filter go together, or against each other in fine stripes; those of noise
# do neither: over n pairs of neighbours their correlation is 0 give or take 1 / sqrt(n). Within two such
# steps a filter is called noise; with under 40 pairs (7x7 of one channel, 5x5 of three) nothing can be told.
NOISE_STEPS = 2.0
LEAST_PAIRS = 40


@dataclass(frozen=True)
class FilterHealth:
    """norms : (outputs,) float64, L2; NaN of broken filters. dead, noise : filters. duplicates : pairs of
    filters (a, b), a < b. broken : filters with a weight that is NaN or infinite.
    """

    norms: np.ndarray
    dead: tuple[int, ...]
    duplicates: tuple[tuple[int, int], ...]
    noise: tuple[int, ...]
    broken: tuple[int, ...] = ()

    @property
    def flags(self) -> dict[int, str]:
        """Filter -> "dead", "broken", "duplicate" or "noise"; only those that have one."""
        found = dict.fromkeys(self.noise, "noise")
        found |= {index: "duplicate" for pair in self.duplicates for index in pair}
        return found | dict.fromkeys(self.dead, "dead") | dict.fromkeys(self.broken, "broken")

    def __str__(self) -> str:
        pairs = len(self.duplicates)
        words = (
            self._dead_in_words(),
            f"{len(self.broken)} with NaN or infinite weights" if self.broken else "",
            f"{pairs} duplicate pair{'s' * (pairs != 1)}" if pairs else "",
            f"{len(self.noise)} still noise" if self.noise else "",
        )
        return ", ".join(filter(None, words)) or "none is dead, double or noise"

    def _dead_in_words(self) -> str:
        if len(self.dead) == len(self.norms):  # of weights that differ in size, some are never small
            return f"all {len(self.dead)} dead (their weights are 0)"
        return f"{len(self.dead)} dead" if self.dead else ""


def filter_health(weights: np.ndarray) -> FilterHealth:
    """Look at weights (outputs, inputs, H, W), one filter per output; broken ones change no other verdict."""
    flat = np.asarray(weights, np.float64).reshape(len(weights), -1)
    sound = np.isfinite(flat).all(1)
    norms = np.full(len(flat), np.nan)
    norms[sound] = np.linalg.norm(flat[sound], axis=1)
    dead = sound & (norms <= DEAD_OF_MEDIAN * (np.median(norms[sound]) if sound.any() else 0))
    living = np.flatnonzero(sound & ~dead)
    return FilterHealth(
        norms,
        tuple(np.flatnonzero(dead).tolist()),
        _alike(flat, norms, living),
        _noise(weights, living),
        tuple(np.flatnonzero(~sound).tolist()),
    )


def _alike(flat: np.ndarray, norms: np.ndarray, living: np.ndarray) -> tuple[tuple[int, int], ...]:
    if flat.shape[1] < 2:
        return ()
    unit = flat[living] / norms[living, None]
    first, second = np.nonzero(np.triu(np.abs(unit @ unit.T) > ALIKE_COSINE, 1))
    return tuple(zip(living[first].tolist(), living[second].tolist(), strict=True))


def _noise(weights: np.ndarray, living: np.ndarray) -> tuple[int, ...]:
    if weights.ndim != 4 or min(weights.shape[2:]) < 2 or not len(living):
        return ()
    w = np.asarray(weights[living], np.float64)
    w = w - w.mean((2, 3), keepdims=True)
    power = (w * w).mean((1, 2, 3))
    power[power == 0] = 1
    told = np.zeros(len(living), bool)
    for first, second in ((w[..., 1:], w[..., :-1]), (w[..., 1:, :], w[..., :-1, :])):
        pairs = first[0].size
        if pairs < LEAST_PAIRS:
            return ()
        correlation = (first * second).mean((1, 2, 3)) / power
        told |= np.abs(correlation) > NOISE_STEPS / math.sqrt(pairs)
    return tuple(living[~told].tolist())
