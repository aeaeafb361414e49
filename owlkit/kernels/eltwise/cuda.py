"""Sums, products and maxima of tensors by our CUDA kernels, on memory order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.eltwise import Eltwise

MOST = 8  # tensors of one launch
_HEADERS = ("eltwise/tensors.cuh",)
_SOURCES = {"sum": "eltwise/sum.cu", "prod": "eltwise/product.cu", "max": "eltwise/largest.cu"}


def _room(number: int) -> int:
    """For how many tensors a kernel is compiled that takes `number`."""
    return 2 if number <= 2 else 4 if number <= 4 else MOST


def _padded(values: Sequence[Any], filling: Any) -> list[Any]:
    return [*values, *[filling] * (MOST - len(values))]


class _Launches:
    """The kernels of an operation for tensors like `x`. numbers : how many tensors launches take."""

    def __init__(self, device: GpuDevice, operation: str, x: Descriptor, numbers: Iterable[int]) -> None:
        check_count(x)
        self._x, self._per_thread = x, pack(x.dtype)
        self._programs = {
            number: program(device, _SOURCES[operation], x.dtype, headers=_HEADERS, COUNT=_room(number))
            for number in numbers
        }

    def launch(self, name: str, number: int, *args: Any) -> None:
        function = self._programs[number].function(name)
        function.each(self._x.count, *args, per_thread=self._per_thread)


class EltwiseKernel:
    """Of more than eight tensors a first launch takes eight, and others go on with its result."""

    def __init__(self, device: GpuDevice, spec: Eltwise) -> None:
        self.spec = spec
        self._number = len(spec.coefficients)
        if spec.operation == "prod" and spec.stable and self._number > MOST:
            raise Unsupported(
                f"the gradient of a product of more than {MOST} tensors is not done in one pass"
            )
        if self._number > 255:
            raise Unsupported("more than 255 tensors do not have a number each in one byte")
        numbers = range(1, MOST + 1) if self._number > MOST else (self._number,)
        self._launches = _Launches(device, spec.operation, spec.x, numbers)
        if spec.operation == "max":
            size = pack(spec.x.dtype)
            self._winner = Tensor(Descriptor((-(-spec.x.count // size) * size,), "uint8"))

    @staticmethod
    def _parts(number: int) -> Iterator[tuple[int, int]]:
        """(first, how many) of the tensors of each launch."""
        for first in range(0, number, MOST):
            yield first, min(MOST, number - first)

    def forward(self, xs: Sequence[Tensor], y: Tensor) -> None:
        getattr(self, f"_{self.spec.operation}")(xs, y)

    def _sum(self, xs: Sequence[Tensor], y: Tensor) -> None:
        """Result and coefficient 1 stand in the place of the tensors that were added before."""
        rest, factors = list(xs), list(self.spec.coefficients)
        while True:
            now, c = rest[:MOST], factors[:MOST]
            rest, factors = rest[MOST:], factors[MOST:]
            relu = self.spec.relu and not rest
            self._launches.launch("sum", len(now), *_padded(now, None), y, *_padded(c, 0.0), relu)
            if not rest:
                return
            rest, factors = [y, *rest], [1.0, *factors]

    def _prod(self, xs: Sequence[Tensor], y: Tensor) -> None:
        rest = list(xs)
        while rest:
            now, rest = rest[:MOST], rest[MOST:]
            self._launches.launch("product", len(now), *_padded(now, None), y)
            rest = [y, *rest] if rest else []

    def _max(self, xs: Sequence[Tensor], y: Tensor) -> None:
        for first, size in self._parts(self._number):
            name, more = ("still_larger", (first,)) if first else ("largest", ())
            now = _padded(xs[first : first + size], None)
            self._launches.launch(name, size, *now, y, self._winner, *more)

    def backward(self, xs: Sequence[Tensor], y: Tensor, dy: Tensor, dxs: Sequence[Tensor | None]) -> None:
        # The gradient in the memory of dy is written last: others read dy.
        if all(dx is None for dx in dxs):
            return
        for first, size in reversed(list(self._parts(self._number))):
            part = slice(first, first + size)
            now = _padded(dxs[part], None)
            if self.spec.operation == "sum":
                factors = _padded(self.spec.coefficients[part], 0.0)
                self._launches.launch("share", size, dy, *now, *factors)
            elif self.spec.operation == "max":
                self._launches.launch("to_winner", size, dy, self._winner, first, *now)
            elif self.spec.stable:
                self._launches.launch("product_gradient", size, *_padded(xs[part], None), dy, *now)
            else:
                self._launches.launch("quotient", size, *_padded(xs[part], None), y, dy, *now)


class Addition:
    def __init__(self, device: GpuDevice, x: Descriptor) -> None:
        self._launches = _Launches(device, "sum", x, (2,))

    def __call__(self, total: Tensor, part: Tensor) -> None:
        terms = _padded([total, part], None)
        self._launches.launch("sum", 2, *terms, total, *_padded([1.0, 1.0], 0.0), False)
