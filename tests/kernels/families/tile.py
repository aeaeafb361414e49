"""Cases of the kernels of tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from owlkit.kernels.tile import Tile
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Tile, values: Values) -> None:
    shape = list(spec.x.shape)
    shape[spec.axis] *= spec.tiles
    tiled = replace(spec.x, shape=tuple(shape))
    x, dy = values.normal(spec.x), values.normal(tiled)
    kernel.forward(x, values.output("y", tiled))
    kernel.backward(dy, values.output("dx", spec.x))


def _case(name: str, shape: tuple[int, ...], axis: int, tiles: int = 3) -> Case:
    return Case(
        f"tile-{name}", lambda dtype: Tile(layout(*shape, dtype=dtype), axis, tiles), _run, fast=False
    )


CASES = [
    *(_case(f"axis_{axis}", (2, 5, 3, 4), axis) for axis in range(4)),
    _case("once", (2, 5), 1, 1),
    _case("vector", (7,), 0),
    _case("sequence", (4, 1, 6), 1),
    _case("many_rows", (20, 64, 15, 15), 1, 4),
    _case("one_long_row", (1, 90_001), 1, 7),
]
