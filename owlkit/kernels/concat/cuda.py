"""Joining and cutting by our CUDA kernels: one launch for up to eight parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.units import unit

if TYPE_CHECKING:
    from owlkit.kernels.concat import Concat

MOST = 8  # parts of one launch, as in concat.cu


@dataclass
class _Launch:
    """Some neighbouring parts. count : units in them. numbers : what the kernel wants to know of them."""

    parts: slice
    functions: Any
    count: int
    numbers: tuple[int, ...]


class ConcatKernel:
    def __init__(self, device: GpuDevice, spec: Concat) -> None:
        check_count(spec.whole)
        self._device, self._dtype = device, spec.whole.dtype
        rows, places = spec.columns()
        self._type, size = unit(self._dtype, *(place.stop - place.start for place in places))
        ends = [place.stop // size for place in places]
        firsts = range(0, len(ends), MOST)
        self._launches = [self._launch(rows, ends, first) for first in firsts]

    def _launch(self, rows: int, ends: list[int], first: int) -> _Launch:
        part = slice(first, min(first + MOST, len(ends)))
        begin, mine = ends[first - 1] if first else 0, ends[part]
        room = next(room for room in (2, 4, MOST) if len(mine) <= room)
        compiled = program(self._device, "concat/concat.cu", self._dtype, UNIT=self._type, COUNT=room)
        columns = mine[-1] - begin
        local = [end - begin for end in mine] + [columns] * (MOST - len(mine))
        return _Launch(part, compiled.function, rows * columns, (*local, ends[-1], begin, columns))

    @staticmethod
    def _padded(parts: Sequence[Tensor | None]) -> list[Tensor | None]:
        return [*parts, *[None] * (MOST - len(parts))]

    def join(self, parts: Sequence[Tensor | None], whole: Tensor) -> None:
        complete = len(self._launches) == 1 and None not in parts
        for launch in self._launches:
            mine = parts[launch.parts]
            if any(part is not None for part in mine):
                join = launch.functions("join" if complete else "join_some")
                join.each(launch.count, *self._padded(mine), whole, *launch.numbers)

    def cut(self, whole: Tensor, parts: Sequence[Tensor | None]) -> None:
        for launch in self._launches:
            mine = parts[launch.parts]
            if any(part is not None for part in mine):
                launch.functions("cut").each(launch.count, whole, *self._padded(mine), *launch.numbers)
