"""Fully connected with bias and ReLU in one kernel, forward: cuDNN's 1x1 convolution of images of one pixel.

cuDNN has plans for it in every precision, compiled already; its own product of matrices it compiles for each
shape, and it refuses full float32. CuPy binds no product of cuBLAS's that ends so (cuBLASLt's epilogues).
Gradients are products as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.sizes import size
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cudnn import B, Problem, W, X, Y, make_plan
from owlkit.kernels.cudnn.timing import filled
from owlkit.kernels.inner_product.cuda import InnerProductKernel

if TYPE_CHECKING:
    from owlkit.kernels.inner_product import InnerProduct


def problem(spec: InnerProduct) -> Problem:
    """The forward product as a convolution; raises Unsupported where there is nothing to fuse."""
    if spec.transpose:
        raise Unsupported("its weights lie transposed")
    if not spec.bias:
        raise Unsupported("there is no bias to add on the way")
    shapes = (spec.rows, spec.inputs), (spec.outputs, spec.inputs), (spec.rows, spec.outputs)
    x, w, y = (Descriptor((*shape, 1, 1), spec.x.dtype, True) for shape in shapes)
    return Problem("fprop", x, w, y, (1, 1), (0, 0), (1, 1), bias=True, relu=spec.relu)


class FusedProduct:
    """y = relu(x w^T + b) by a plan. x : (M, K), w : (N, K), b : (N,), y : (M, N), in C order."""

    def __init__(self, device: GpuDevice, spec: InnerProduct) -> None:
        self._device, self._plan = device, make_plan(device, problem(spec))
        device.reserve_scratch(self._plan.workspace)
        self.detail = f"{self._plan.engine} forward, {size(self._plan.workspace)}, gemm back"

    def __call__(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        assert b is not None, "bias was False"
        pointer = self._device.gpu.pointer
        places = {uid: pointer(t, reads=True, writes=False) for uid, t in ((X, x), (W, w), (B, b))}
        places[Y] = pointer(y, reads=False, writes=True)
        self._plan(places, self._device.workspace())


def make_kernel(device: GpuDevice, spec: InnerProduct) -> InnerProductKernel:
    """See `owlkit.kernels.inner_product.make`; raises Unsupported."""
    return InnerProductKernel(device, spec, FusedProduct(device, spec))


class Rehearsal:
    """A forward pass."""

    def __init__(self, device: GpuDevice, spec: InnerProduct) -> None:
        w = Descriptor((spec.outputs, spec.inputs), spec.x.dtype)
        b = Descriptor((spec.outputs,), spec.x.dtype)
        self._x, self._w, self._b, self._y = (filled(device, each) for each in (spec.x, w, b, spec.y))

    def __call__(self, kernel: Any) -> None:
        kernel.forward(self._x, self._w, self._b, self._y)
