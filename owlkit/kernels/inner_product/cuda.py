"""Fully connected: the driver's product of matrices, our kernels for the bias and the order of axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Matrix
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.biases import Biases
from owlkit.kernels.cuda.plain import Plain
from owlkit.kernels.cuda.program import check_count

if TYPE_CHECKING:
    from owlkit.kernels.inner_product import InnerProduct
    from owlkit.kernels.inner_product.fused import FusedProduct


class InnerProductKernel:
    """Weights stay in the caffemodel's order; a channels-last bottom is turned into C, H, W order instead.

    fused : what computes y = relu(x w^T + b) of (x, w, b, y) in C order, in place of a product and a kernel
    for bias and ReLU; it has a `detail`.
    """

    def __init__(self, device: GpuDevice, spec: InnerProduct, fused: FusedProduct | None = None) -> None:
        check_count(spec.x, spec.y, Descriptor((spec.inputs, spec.outputs)))
        self._device, self._spec, self._gpu = device, spec, device.gpu
        # dx gets a copy of its own: with several backward passes after one forward, x's is still needed.
        self._x, self._y = Plain(device, spec.x), Plain(device, spec.y)
        self._dx = Plain(device, spec.x) if spec.data_gradient else None
        self._biases = Biases(device, Descriptor((spec.rows, spec.outputs), spec.x.dtype))
        self._fused = fused
        self.detail = "gemm" if fused is None else fused.detail

    def _at(self, tensor: Tensor, stride: int, turned: bool = False, writes: bool = False) -> Matrix:
        """A matrix over a tensor that is read, or only written."""
        return Matrix(self._gpu.pointer(tensor, reads=not writes, writes=writes), stride, turned)

    def _multiply(
        self, shape: tuple[int, int, int], a: Matrix, b: Matrix, c: Matrix, beta: float = 0.0
    ) -> None:
        self._gpu.driver.gemm(shape, a, b, c, dtype=self._spec.x.dtype, beta=beta, tf32=self._device.tf32)

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        compute = self._fused or self._multiply_and_add  # bound here: kept, it would be a circle
        compute(self._x.read(x), w, b, self._y.target(y))
        self._y.finish(y)

    def _multiply_and_add(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        spec = self._spec
        m, k, n = spec.rows, spec.inputs, spec.outputs
        weights = self._at(w, n) if spec.transpose else self._at(w, k, turned=True)
        self._multiply((m, n, k), self._at(x, k), weights, self._at(y, n, writes=True))
        if b is not None or spec.relu:
            self._biases.add(y, b, spec.relu)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        spec = self._spec
        m, k, n = spec.rows, spec.inputs, spec.outputs
        assert self._dx is not None
        target = self._dx.target(dx)
        weights = self._at(w, n, turned=True) if spec.transpose else self._at(w, k)
        result = self._at(target, k, writes=True)
        self._multiply((m, k, n), self._at(self._y.read(dy), n), weights, result)
        self._dx.finish(dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        spec = self._spec
        m, k, n = spec.rows, spec.inputs, spec.outputs
        gradient, source = self._y.read(dy), self._x.read(x, fresh=False)
        if dw is not None:
            columns = n if spec.transpose else k
            target = Matrix(self._gpu.pointer(dw, reads=accumulate, writes=True), columns)
            sides = [(source, k), (gradient, n)] if spec.transpose else [(gradient, n), (source, k)]
            (left, rows), (right, _) = sides
            factors = self._at(left, rows, turned=True), self._at(right, columns)
            self._multiply((rows, columns, m), *factors, target, accumulate)
        if db is not None:
            self._biases.sum(gradient, db, accumulate)
