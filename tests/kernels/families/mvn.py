"""Cases of MVN."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.mvn import MVN
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: MVN, values: Values) -> None:
    x, dy = values.normal(spec.x), values.normal(spec.x)
    kernel.forward(x, values.output("y", spec.x))
    kernel.backward(x, dy, values.output("dx", spec.x))
    kernel.backward(x, dy, values.watch("dx in place", dy))


def _flat(kernel: Any, spec: MVN, values: Values) -> None:
    """One image, and one channel of another, are the same everywhere."""
    x = values.normal(spec.x)
    x.array[0], x.array[1, 1] = 2, 0.5
    kernel.forward(x, values.output("y", spec.x))


def _case(
    name: str, *shape: int, across: bool = False, scaled: bool = True, eps: float = 1e-9, run: Any = _run
) -> Case:
    def spec(dtype: str) -> MVN:
        return MVN(layout(*shape, dtype=dtype), across, scaled, eps)

    return Case(f"mvn-{name}", spec, run, fast=scaled, tolerance=1e-5)


CASES = [
    _case("channels", 3, 16, 4, 5),
    _case("odd_channels", 2, 5, 4, 5),
    _case("across", 2, 5, 4, 5, across=True),
    _case("one_channel", 4, 1, 6, 5),
    _case("sequences", 2, 5, 7),
    _case("large_eps", 3, 16, 4, 5, eps=0.5),
    _case("across_large_eps", 2, 5, 4, 5, across=True, eps=0.5),
    _case("nothing_varies", 2, 3, 4, 5, run=_flat),
    _case("nothing_varies_across", 2, 3, 4, 5, across=True, run=_flat),
    _case("mean_only", 2, 3, 4, 5, scaled=False),
    _case("more_channels_than_a_block", 2, 35, 3, 3),
    _case("longer_than_a_block", 2, 3, 10, 31, across=True),
]
