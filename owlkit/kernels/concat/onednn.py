"""Joining and cutting by oneDNN's reorder between a matrix and some of its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.concat import Concat


class _Columns:
    """Copies between a part (rows, width) and its columns in the whole (rows, total width)."""

    def __init__(self, device: Device, rows: int, place: slice, total: int, dtype: str) -> None:
        width = place.stop - place.start
        self._offset = place.start * 4  # bytes; oneDNN takes float32 only
        self._part = MemoryDescriptor.strided((rows, width), (width, 1), dtype)
        self._columns = MemoryDescriptor.strided((rows, width), (total, 1), dtype)
        self._write = Primitive(device, "reorder", self._part, self._columns)
        self._read = Primitive(device, "reorder", self._columns, self._part)
        self.detail = self._write.implementation
        self.write, self.read = Bound(self._bind_write), Bound(self._bind_read)

    def _within(self, whole: Tensor) -> Memory:
        return Memory(self._columns, whole.address + self._offset, whole)

    def _bind_write(self, part: Tensor, whole: Tensor) -> Callable[[], None]:
        return self._write.bind({api.SRC: Memory.of(part, self._part), api.DST: self._within(whole)})

    def _bind_read(self, part: Tensor, whole: Tensor) -> Callable[[], None]:
        return self._read.bind({api.SRC: self._within(whole), api.DST: Memory.of(part, self._part)})


class ConcatKernel:
    def __init__(self, device: Device, spec: Concat) -> None:
        rows, places = spec.columns()
        if all(place.stop - place.start == 1 for place in places):
            raise Unsupported("parts of one value a row: NumPy copies them four times as fast")
        total = spec.whole.count // rows
        self._columns = [_Columns(device, rows, place, total, spec.whole.dtype) for place in places]
        self.detail = self._columns[0].detail

    def join(self, parts: Sequence[Tensor | None], whole: Tensor) -> None:
        for columns, part in zip(self._columns, parts, strict=True):
            if part is not None:
                columns.write(part, whole)

    def cut(self, whole: Tensor, parts: Sequence[Tensor | None]) -> None:
        for columns, part in zip(self._columns, parts, strict=True):
            if part is not None:
                columns.read(part, whole)
