"""Cases of joining and cutting."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.concat import Concat
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Concat, values: Values) -> None:
    parts = [values.normal(part) for part in spec.parts]
    kernel.join(parts, values.output("whole", spec.whole))
    whole = values.normal(spec.whole)
    kernel.cut(whole, [values.output(f"part{i}", part) for i, part in enumerate(spec.parts)])


def _some(kernel: Any, spec: Concat, values: Values) -> None:
    whole = values.watch("whole", values.normal(spec.whole))
    kernel.join([None, *(values.normal(part) for part in spec.parts[1:])], whole)
    kernel.cut(whole, [values.output("part0", spec.parts[0]), *[None] * (len(spec.parts) - 1)])


def _case(
    name: str,
    shape: tuple[int, ...],
    axis: int,
    lengths: tuple[int, ...],
    run: Any = _run,
    fast: bool = True,
) -> Case:
    def sized(length: int, dtype: str) -> Any:
        return layout(*shape[:axis], length, *shape[axis + 1 :], dtype=dtype)

    def spec(dtype: str) -> Concat:
        return Concat(tuple(sized(n, dtype) for n in lengths), sized(sum(lengths), dtype), axis)

    return Case(f"concat-{name}", spec, run, fast=fast)


CASES = [
    _case("channels", (2, 0, 4, 5), 1, (3, 1, 16)),
    _case("images", (0, 3, 4, 5), 0, (2, 3)),
    _case("rows", (2, 3, 0, 5), 2, (4, 1)),
    _case("columns", (2, 3, 4, 0), 3, (4, 1)),
    _case("vectors", (6, 0), 1, (4, 1)),
    _case("volume", (2, 3, 0, 2, 3), 2, (4, 1)),
    _case("single_columns", (6, 0), 1, (1, 1), fast=False),
    _case("eight_channels", (2, 0, 4, 5), 1, (8, 4, 16)),
    _case("more_than_eight", (3, 0), 1, (4, 1, 2, 3, 4, 5, 1, 1, 2, 4)),
    _case("some_of_many", (3, 0), 1, (4, 1, 2, 3, 4, 5, 1, 1, 2, 4), run=_some),
    _case("some", (2, 0, 4, 5), 1, (3, 1), run=_some),
]
