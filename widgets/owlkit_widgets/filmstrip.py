"""Filters over a training: a bounded number of pictures, evenly spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.filter_health import FilterHealth, filter_health
from owlkit.inspection.filters import MOST_TILES, filter_tiles

MOST = 32
"""Pictures kept; beyond that every second one goes."""


@dataclass(frozen=True)
class Frame:
    """One picture of the filters.

    levels : (tiles, H, W) or (tiles, H, W, 3) uint8, each tile up to its own largest weight, 127.5 for a
    weight of 0, or one that is no number. peaks : (tiles,) float32, those largest magnitudes: what a shared
    scale needs.
    cosines : of the duplicate pairs.
    """

    iter: int
    levels: NDArray[np.uint8]
    peaks: NDArray[np.float32]
    health: FilterHealth
    cosines: tuple[float, ...]

    @classmethod
    def of(cls, iteration: int, weights: NDArray[np.float32]) -> Frame:
        """weights : (outputs, inputs, H, W) float32."""
        levels = np.rint(255 * filter_tiles(weights, scale="own")).astype(np.uint8)
        finite = np.where(np.isfinite(weights), weights, 0)
        rows = finite if weights.shape[1] == 3 else finite.reshape(-1, *weights.shape[2:])
        peaks = np.abs(rows[:MOST_TILES]).reshape(len(levels), -1).max(1).astype(np.float32)
        health = filter_health(weights)
        return cls(iteration, levels, peaks, health, _cosines(weights, health))

    def row(self) -> dict[str, Any]:
        """What is sent as JSON; `data` is what is sent as bytes."""
        health = self.health
        pairs = [[a, b, cosine] for (a, b), cosine in zip(health.duplicates, self.cosines, strict=True)]
        marks = {"dead": list(health.dead), "noise": list(health.noise), "duplicates": pairs}
        marks["broken"] = list(health.broken)
        return {"iter": self.iter, "summary": str(health), **marks}

    @property
    def data(self) -> bytes:
        """peaks (tiles,) float32, norms (outputs,) float32, then the levels."""
        return self.peaks.tobytes() + self.health.norms.astype(np.float32).tobytes() + self.levels.tobytes()


def _cosines(weights: NDArray[Any], health: FilterHealth) -> tuple[float, ...]:
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    norms = health.norms
    return tuple(float(flat[a] @ flat[b] / (norms[a] * norms[b])) for a, b in health.duplicates)


class Filmstrip:
    """Frames in order of iteration; the newest is always there, the others lie `spacing` iterations apart."""

    def __init__(self, most: int = MOST) -> None:
        self.frames: list[Frame] = []
        self.most = most
        self.spacing = 0

    def add(self, frame: Frame) -> None:
        """Take in a frame; one that is not newer than the last is dropped."""
        frames = self.frames
        if frames and frame.iter <= frames[-1].iter:
            return
        if len(frames) > 1 and frames[-1].iter - frames[-2].iter < self.spacing:
            frames.pop()  # it was there as the newest only
        frames.append(frame)
        if len(frames) > self.most:
            span = frames[-1].iter - frames[0].iter
            self.spacing = 2 * span // self.most
            self._thin()

    def cut(self, iteration: int) -> None:
        """Forget what comes after an iteration."""
        self.frames = [frame for frame in self.frames if frame.iter <= iteration]

    def _thin(self) -> None:
        kept = [self.frames[0]]
        for frame in self.frames[1:-1]:
            if frame.iter - kept[-1].iter >= self.spacing:
                kept.append(frame)
        self.frames = [*kept, self.frames[-1]]

    @property
    def iters(self) -> list[int]:
        return [frame.iter for frame in self.frames]

    def block(self) -> dict[str, Any]:
        """All frames as sent to a page that loads."""
        return {
            "rows": [frame.row() for frame in self.frames],
            "data": b"".join(frame.data for frame in self.frames),
        }
