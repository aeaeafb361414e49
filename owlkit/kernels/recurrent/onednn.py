"""Recurrent sequences by oneDNN: a step's product, the inputs' part and the nonlinearities in one call.

The weights are copied once per pass into the layout the product wants; then every step only reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Memory, MemoryDescriptor, Primitive, reorder
from owlkit.kernels.recurrent.loop import Calls, Loop

if TYPE_CHECKING:
    from owlkit.kernels.recurrent import Recurrent


class PackedProduct:
    """y[t] = x[t] m for T pairs (N, K), (N, M), with the matrix m (K, M) packed anew for each pass.

    matrix : how m lies in the memory of the weights. post : operations on the result, fused.
    """

    def __init__(
        self, device: Device, rows: int, matrix: MemoryDescriptor, shape: tuple[int, int], post: Attributes
    ) -> None:
        self._device, self._matrix = device, matrix
        self._x, self._y = MemoryDescriptor.plain(rows, shape[0]), MemoryDescriptor.plain(rows, shape[1])
        any_w = MemoryDescriptor.any(*shape)
        self._product = Primitive(device, "matmul", self._x, any_w, None, self._y, attributes=post)
        layout = self._product.layout(api.WEIGHTS)
        assert layout is not None
        self._packed = Memory.fresh(layout)
        self.implementation = self._product.implementation
        self._calls: dict[tuple[Tensor, ...], Calls] = {}

    def calls(self, x: Tensor, w: Tensor, y: Tensor, steps: int, extra: dict[int, Memory]) -> Calls:
        """A call that packs w, then one for each step; y that is one step large is written by all."""
        found = self._calls.get((x, w, y))
        if found is None:
            pack = reorder(self._device, Memory.of(w, self._matrix), self._packed)
            bound = [self._bind(x, y, t, steps, extra) for t in range(steps)]
            found = self._calls[x, w, y] = [pack, *bound]
        return found

    def _bind(self, x: Tensor, y: Tensor, t: int, steps: int, extra: dict[int, Memory]) -> Callable[[], None]:
        memories = {
            api.SRC: _step(x, self._x, t, steps),
            api.WEIGHTS: self._packed,
            api.DST: _step(y, self._y, t, steps),
        }
        return self._product.bind(memories | extra)


def _step(tensor: Tensor, descriptor: MemoryDescriptor, t: int, steps: int) -> Memory:
    """Step t of a tensor of that many steps; all of a tensor of one."""
    whole = tensor.descriptor.nbytes == descriptor.nbytes
    offset = 0 if whole else t * tensor.descriptor.nbytes // steps
    return Memory(descriptor, tensor.address + offset, tensor)


class RecurrentKernel(Loop):
    def __init__(self, device: Device, spec: Recurrent) -> None:
        n, h, width = spec.streams, spec.units, spec.width
        across = MemoryDescriptor.strided((h, width), (1, h), spec.dtype)
        post, self._constants = _nonlinearity(spec)
        self._forward = PackedProduct(device, n, across, (h, width), post)
        self._backward: PackedProduct | None = None
        if spec.train:
            plain = MemoryDescriptor.plain(width, h)
            self._backward = PackedProduct(device, n, plain, (width, h), Attributes())
        self.detail = f"matmul {self._forward.implementation}"
        super().__init__(spec)

    def _advances(self, z: Tensor, w: Tensor) -> Calls:
        pack, *steps = self._forward.calls(self.past, w, z, self.spec.steps, self._constants)
        pack()
        return steps

    def _retreats(self, dz: Tensor, w: Tensor) -> Calls:
        assert self._backward is not None
        pack, *steps = self._backward.calls(dz, w, self._back, self.spec.steps, {})
        pack()
        return steps


def _nonlinearity(spec: Recurrent) -> tuple[Attributes, dict[int, Memory]]:
    """What follows a step's product, and the memory it reads.

    All gates go through one tanh: sigmoid(x) = a tanh(a x) + b with a = b = 1/2; for g, a = 1 and b = 0.
    """
    if spec.cell == "tanh":
        return Attributes([("sum", 1.0), ("tanh",)]), {}
    row = Descriptor((1, spec.width))
    a, b = Tensor(row), Tensor(row)
    a.flat[...], b.flat[...] = 0.5, 0.5
    a.flat[3 * spec.units :], b.flat[3 * spec.units :] = 1, 0
    md = MemoryDescriptor.of(row)
    multiply, add = ("binary", api.BINARY_MUL, md), ("binary", api.BINARY_ADD, md)
    post = Attributes([("sum", 1.0), multiply, ("tanh",), multiply, add])
    operands = {1: a, 3: a, 4: b}  # by the operation's place in the chain
    return post, {api.post_op_source(place): Memory.of(t) for place, t in operands.items()}
