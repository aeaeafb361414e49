"""A value for each channel: added to all values of the channel, and its gradient, in a fixed order."""

from __future__ import annotations

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda.images import HEADERS, blocks_over_rows, channels_at_once
from owlkit.kernels.cuda.program import check_count, program

# Up to so many rows, a block sums all of a channel; beyond, the rows are shared by many blocks.
FEW_ROWS = 1024
#: So many in all: four for each multiprocessor of an H100.
BLOCKS = 528
#: Threads of these that run over channels: few, so that the last block has many for each channel's parts.
MOST_ACROSS = 32
_TILE = (32, 32, 1)  # channels, rows
_KERNELS = (
    "add_to_rows", "add_to_planes", "sum_rows", "add_sum_of_rows", "sum_many_rows", "add_sum_of_many_rows",
    "relu_sum_rows", "relu_add_sum_of_rows", "relu_sum_many_rows", "relu_add_sum_of_many_rows", "sum_planes",
    "add_sum_of_planes",
)  # fmt: skip


class Biases:
    """b (C,) of y, by channels.

    y : descriptor; axis : of its channels. For `sum`, scratch memory of the device is used.
    """

    def __init__(self, device: GpuDevice, y: Descriptor, axis: int = 1) -> None:
        check_count(y)
        self._device = device
        self._outer, self._channels, self._inner = split(y, axis)
        self._vec = channels_at_once(y.dtype, self._channels) if self._inner == 1 else 1
        compiled = program(device, "cuda/biases.cu", y.dtype, headers=HEADERS, VEC=self._vec)
        self._kernels = {name: compiled.function(name) for name in _KERNELS}
        self._count = y.count
        if self._inner == 1 and self._outer > FEW_ROWS:
            self._divide(8 if y.dtype == "float64" else 4)

    def _divide(self, itemsize: int) -> None:
        """Share the rows between blocks."""
        units = self._channels // self._vec
        (_, parts, _), self._block = blocks_over_rows(1, self._outer, units, MOST_ACROSS)
        least = 8 * self._block[1]  # rows that are worth a block
        blocks = min(-(-self._outer // least), -(-BLOCKS // parts))
        self._most = -(-self._outer // blocks)
        blocks = -(-self._outer // self._most)
        self._grid = (blocks, parts, 1)
        self._tickets = Tensor(Descriptor((parts,), "uint32"))
        self._device.reserve_scratch(blocks * self._channels * itemsize)

    def add(self, y: Tensor, b: Tensor | None, relu: bool = False) -> None:
        """y += b, then max(y, 0) with `relu`; b may be absent."""
        if self._inner == 1:
            units = self._channels // self._vec
            self._kernels["add_to_rows"].each(self._count // self._vec, y, b, units, relu)
        else:
            self._kernels["add_to_planes"].each(self._count, y, b, self._channels, self._inner, relu)

    def sum(self, dy: Tensor, db: Tensor, accumulate: bool) -> None:
        """db = the sum of dy over each channel, or db += that."""
        if self._inner == 1:
            self._sum_rows("add_sum_of" if accumulate else "sum", (dy,), db)
        else:
            name = "add_sum_of_planes" if accumulate else "sum_planes"
            self._kernels[name].blocks(self._channels, dy, db, self._outer, self._channels, self._inner)

    def sum_before_relu(self, y: Tensor, dy: Tensor, db: Tensor, accumulate: bool) -> None:
        """dy = 0 where y <= 0, then `sum`, in one pass. Only where `in_rows`."""
        self._sum_rows("relu_add_sum_of" if accumulate else "relu_sum", (y, dy), db)

    @property
    def in_rows(self) -> bool:
        """Whether channels are neighbours in memory."""
        return self._inner == 1

    def _sum_rows(self, kind: str, arrays: tuple[Tensor, ...], db: Tensor) -> None:
        rows, channels = self._outer, self._channels
        if rows <= FEW_ROWS:
            grid = (-(-channels // _TILE[0]), 1, 1)
            self._kernels[f"{kind}_rows"].launch(grid, _TILE, (*arrays, db, rows, channels))
            return
        partial, sizes = self._device.workspace(), (rows, self._most, channels // self._vec)
        kernel = self._kernels[f"{kind}_many_rows"]
        kernel.launch(self._grid, self._block, (*arrays, partial, self._tickets, db, *sizes))
