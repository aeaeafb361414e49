"""Which implementations serve a convolution on a GPU, in which order, and which of them are timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.convolution import cuda
from owlkit.kernels.convolution.cudnn import CudnnKernel
from owlkit.kernels.convolution.space_to_depth import Blocks, SpaceToDepthKernel, saves_products
from owlkit.kernels.cudnn.trials import measured

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution

Makers = dict[str, Callable[[Any, Any], Any]]
SPACE_TO_DEPTH = "cudnn space-to-depth"


def on_gpu(device: GpuDevice, spec: Convolution) -> tuple[Makers, Mapping[str, float]]:
    """(makers by name, seconds by name), as `owlkit.kernels.choose` takes them.

    cuDNN comes first, products of matrices by our own kernels after it. For two kinds the order is not plain,
    and a device that tunes has both ways timed. Without timing:
    - a first layer is taken in blocks where that saves products (`saves_products`);
    - 1x1, which is a product of matrices, is cuDNN's unless its plans need more workspace than y takes. In
      full float32 they do: they copy x and y into another order and back. Our product takes none, and at most
      one more pass over y, for bias and ReLU.
    """
    makers: Makers = {"cudnn": CudnnKernel, "cuda": cuda.make_kernel}
    if spec.is_pointwise and spec.x.channels_last and "cuda" in device.implementations:
        seconds = measured(device, spec, makers, Rehearsal)
        if not seconds:
            makers["cudnn"] = partial(CudnnKernel, most_workspace=spec.y.nbytes)
        return makers, seconds
    if not _has_blocks(spec):
        return makers, {}
    rivals: Makers = {"cudnn": CudnnKernel, SPACE_TO_DEPTH: SpaceToDepthKernel}
    if saves_products(spec, device.tf32):
        rivals = dict(reversed(rivals.items()))
    return rivals | {"cuda": cuda.make_kernel}, measured(device, spec, rivals, Rehearsal)


def _has_blocks(spec: Convolution) -> bool:
    try:
        Blocks.of(spec)
    except Unsupported:
        return False
    return True


class Rehearsal:
    """The calls of an iteration, on zeros: x's gradient may lie where x was, and y's where y was. The biases'
    gradient is left out: it is one kernel, whoever computes the rest.
    """

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        w = Descriptor(spec.weights, spec.x.dtype, spec.weights_channels_last)
        self._spec = spec
        self._x, self._y, self._w, self._dw = (zeros(device, side) for side in (spec.x, spec.y, w, w))
        b = Descriptor((spec.weights[0],), spec.x.dtype)
        self._b = zeros(device, b) if spec.bias else None

    def __call__(self, kernel: Any) -> None:
        kernel.forward(self._x, self._w, self._b, self._y)
        if self._spec.data_gradient:
            kernel.backward_data(self._y, self._w, self._x)
        if self._spec.train:
            kernel.backward_params(self._x, self._y, self._dw, None, False)


def zeros(device: GpuDevice, descriptor: Descriptor) -> Tensor:
    """A tensor of zeros that lies on the GPU: nothing is copied there."""
    tensor = Tensor(descriptor)
    device.gpu.mirror(tensor.memory)
    tensor.zero()
    return tensor
