"""A smaller tensor that stands along some axes of another and is repeated along the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import memory_order
from owlkit.kernels.cuda.program import TYPES, Program, check_count, pack, program

_THREADS, _ACROSS = 256, 32
#: Blocks of the first launch of a sum: four for each multiprocessor of an H100.
_BLOCKS = 528
_LEAST = 8  # places that are worth a thread


class Axis(NamedTuple):
    """One axis of x in memory. strides : in each smaller tensor, 0 where it is repeated."""

    length: int
    step: int
    strides: tuple[int, ...]

    @property
    def is_kept(self) -> bool:
        return any(self.strides)


@cache
def axes_of(x: Descriptor, axis: int, smaller: tuple[Descriptor, ...]) -> list[Axis]:
    """The axes of x in the order of memory, neighbours made one where they run on in all tensors.

    smaller : tensors whose axes stand in those of x from `axis` on.
    """
    own = x.strides
    found: list[Axis] = []
    for a in memory_order(x):
        inside = [a - axis if 0 <= a - axis < len(small.shape) else None for small in smaller]
        strides = tuple(
            0 if i is None else small.strides[i] for i, small in zip(inside, smaller, strict=True)
        )
        new = Axis(x.shape[a], own[a], strides)
        if new.length == 1:
            continue
        former = found[-1] if found else None
        if former and former.strides == tuple(s * new.length for s in strides):
            found[-1] = Axis(former.length * new.length, new.step, strides)
        else:
            found.append(new)
    return found or [Axis(1, 1, (0,) * len(smaller))]


class Repeated:
    """y = f(x, smaller tensors) with shapes as of `axes_of`. small : type of the smaller ones; "" : x's."""

    def __init__(self, device: GpuDevice, x: Descriptor, axis: int, small: str = "") -> None:
        check_count(x)
        self._device, self._x, self._axis = device, x, axis
        self._small = TYPES[small or x.dtype][0]

    def prepare(self, *smaller: Descriptor) -> None:
        """Compile what tensors like these will want."""
        self._program(axes_of(self._x, self._axis, smaller))

    def _program(self, axes: Sequence[Axis]) -> Program:
        last, size = axes[-1], pack(self._x.dtype)
        runs = last.length % size == 0
        inner = 1 if runs and set(last.strides) == {1} else 2 if runs and set(last.strides) == {0} else 0
        return program(
            self._device, "cuda/repeated.cu", self._x.dtype, DIMS=len(axes), INNER=inner, SMALL=self._small
        )

    def launch(
        self,
        name: str,
        arrays: Sequence[Tensor | None],
        smaller: Sequence[Tensor | None],
        options: Sequence[float] = (),
    ) -> None:
        """Run a kernel on arrays like x and smaller tensors, some of which may be absent.

        arrays : of the kernel, in its order. smaller : those of `arrays` that are smaller, in its order.
        options : numbers that the kernel takes after the arrays.
        """
        present = [small for small in smaller if small is not None]
        axes = axes_of(self._x, self._axis, tuple(small.descriptor for small in present))
        padded = [Axis(1, 1, (0,) * len(present))] * (4 - len(axes)) + list(axes)
        numbers = [*options, *(axis.length for axis in padded[1:])]
        for small in smaller:
            place = present.index(small) if small is not None else -1
            numbers += [axis.strides[place] if small is not None else 0 for axis in padded]
        function = self._program(axes).function(name)
        function.each(self._x.count, *arrays, *numbers, per_thread=pack(self._x.dtype))


class RepeatedSums:
    """Sums over the places where each value of the smaller tensors stands.

    term : 0 for dy; 1 for dy * x, and dy into a second result; 2 for dy * min(x, 0); 3 for |dy|; 4 for dy^2.
    shape : of the results. factor : what the sums are multiplied by. small : type of the results; "" : x's.
    """

    def __init__(
        self,
        device: GpuDevice,
        x: Descriptor,
        axis: int,
        shape: tuple[int, ...],
        term: int,
        factor: float = 1.0,
        small: str = "",
    ) -> None:
        check_count(x)
        self._device, self._x, self._axis, self._term, self._factor = device, x, axis, term, factor
        type_of_sums = TYPES[small or x.dtype][0]
        self._program = program(device, "cuda/repeated_sums.cu", x.dtype, TERM=term, SMALL=type_of_sums)
        self._values = math.prod(shape)
        self._places = x.count // max(self._values, 1)
        self._split(Descriptor(shape, x.dtype))

    def _split(self, small: Descriptor) -> None:
        """Share the work between blocks, and see that the kernels can do it."""
        axes = axes_of(self._x, self._axis, (small,))
        if sum(axis.is_kept for axis in axes) > 3 or sum(not axis.is_kept for axis in axes) > 2:
            raise Unsupported(f"the axes {self._axis} and on of {self._x.shape} lie too scattered in memory")
        self._columns = axes[-1].is_kept
        across = min(_ACROSS, 1 << (self._values - 1).bit_length()) if self._columns else _THREADS
        self._block = (across, _THREADS // across, 1)
        parts = -(-self._values // across) if self._columns else self._values
        at_once = self._block[1] if self._columns else _THREADS
        chunks = max(1, min(-(-_BLOCKS // parts), self._places // (at_once * _LEAST)))
        self._most = max(1, -(-self._places // chunks))
        self._chunks = max(1, -(-self._places // self._most))
        self._grid = (parts, self._chunks, 1)
        itemsize = 8 if self._x.dtype == "float64" else 4
        self._device.reserve_scratch(2 * self._chunks * self._values * itemsize)

    def __call__(self, x: Tensor | None, dy: Tensor, first: Tensor, second: Tensor | None = None) -> None:
        """Write the sums into `first` (and `second`)."""
        targets = (first.descriptor, (second or first).descriptor)
        axes = axes_of(self._x, self._axis, targets)
        kept = [Axis(1, 0, (0, 0))] * 3 + [axis for axis in axes if axis.is_kept]
        places = [Axis(1, 0, (0, 0))] * 2 + [axis for axis in axes if not axis.is_kept]
        kept, places = kept[-3:], places[-2:]
        inner = [axis.length for axis in kept[1:]]
        partial = self._device.workspace()
        numbers = [self._values, *inner, *(axis.step for axis in kept)]
        numbers += [self._places, places[1].length, *(axis.step for axis in places), self._most]
        name = "sum_columns" if self._columns else "sum_runs"
        self._program.function(name).launch(self._grid, self._block, (x, dy, partial, *numbers))
        strides = [axis.strides[i] for i in (0, 1) for axis in kept]
        blocks = -(-self._values * 32 // _THREADS)
        self._program.function("finish_sums").blocks(
            blocks, partial, first, second, self._factor, self._values, self._chunks, *inner, *strides,
            threads=_THREADS,
        )  # fmt: skip
