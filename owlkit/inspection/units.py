"""Units: one output of a layer, for which it is asked what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from owlkit.core.errors import NetError


@dataclass(frozen=True)
class Unit:
    """A channel (or class) of a layer's top, at one place of its plane where it has one."""

    layer: str
    channel: int
    row: int | None = None
    column: int | None = None

    def mask(self, shape: tuple[int, ...], batch: int = 0) -> np.ndarray:
        """1 at the unit of image `batch`, 0 elsewhere; `shape` is that of the layer's top."""
        mask = np.zeros(shape, np.float32)
        place = (self.row, self.column) if self.row is not None else ()
        mask[(batch, self.channel, *place)] = 1
        return mask

    def of(self, values: np.ndarray) -> np.ndarray:
        """The unit's values (n,) in tops (n, C, ...)."""
        if self.row is None:
            return values[:, self.channel].reshape(len(values), -1)[:, 0]
        return values[:, self.channel, self.row, self.column]

    def __str__(self) -> str:
        place = f" at ({self.row}, {self.column})" if self.row is not None else ""
        return f"{self.layer}, unit {self.channel}{place}"

    def called(self, label: str | None) -> str:
        """The unit in words, by its label where it has one."""
        return f"{label} ({self})" if label is not None else str(self)


def label_of(unit: Unit, count: int, labels: Sequence[str] | None) -> str | None:
    """The label of a unit of a layer with `count` channels: None where labels are those of another layer."""
    return labels[unit.channel] if labels is not None and len(labels) == count else None


def choose(
    layer: str, values: np.ndarray, channel: int | None = None, at: tuple[int, int] | None = None
) -> Unit:
    """The unit meant in one image's top (C,) or (C, H, W): by default its largest value.

    channel : channel or class; None is that of the largest value. at : (row, column) in the plane; None is
    the place where the channel is largest. Raises NetError where there is no such unit.
    """
    if values.ndim not in (1, 3):
        raise NetError(
            f"{layer}: its top has {values.ndim + 1} axes; units are looked up in (N, C) or (N, C, H, W)"
        )
    if channel is None:
        channel = int(values.reshape(len(values), -1).max(1).argmax())
    if not 0 <= channel < len(values):
        raise NetError(f"{layer}: there is no unit {channel}; it has {len(values)}")
    if values.size == len(values):
        if at is not None:
            raise NetError(f"{layer}: its top has no plane, so leave `at` out")
        return Unit(layer, channel)
    plane = values[channel]
    row, column = at if at is not None else np.unravel_index(int(plane.argmax()), plane.shape)
    if not (0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]):
        raise NetError(f"{layer}: {at} lies outside its plane of {plane.shape[0]}x{plane.shape[1]}")
    return Unit(layer, channel, int(row), int(column))
