"""Convolution over any number of spatial axes, with groups, strides, padding and dilation.

To read first: reference.py, NumPy. On a CPU onednn.py serves. On a GPU choice.py says which does, call by
call: cudnn.py, space_to_depth.py (first layers, on cuDNN too), or cuda.py (columns and products of matrices).
Around any of them lie transposed.py (Deconvolution) and merged.py (channels on another axis than 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from owlkit.core.device import Device
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.convolution import choice, onednn, reference
from owlkit.kernels.convolution.merged import MergedKernel, merge
from owlkit.kernels.convolution.transposed import TransposedKernel


@dataclass(frozen=True)
class Convolution:
    """y = w * x + b, optionally followed by max(y, 0).

    x : (N, C, *spatial). y : (N, M, *spatial). weights : (M, C / group, *kernel).
    kernel, stride, pad, dilation : one number per spatial axis, in pixels.
    bias : whether there is a bias (M,). relu : whether the kernel ends with max(y, 0).
    train : whether parameter gradients will be asked for. data_gradient : whether x's gradient will.
    forward : whether y will. cast_from : the type in which x comes and is cast from, empty where it is x's. A
    kernel with `reads_float32` takes x in float32 too, as it comes.
    forward_first : whether each backward_data follows a forward with the same weights, whose copy of them it
        may use (Deconvolution runs them in the other order).
    weights_channels_last : whether the weights lie so in memory: (M, *kernel, C / group).
    """

    x: Descriptor
    y: Descriptor
    weights: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    group: int = 1
    bias: bool = True
    relu: bool = False
    train: bool = True
    data_gradient: bool = True
    forward_first: bool = True
    weights_channels_last: bool = False
    forward: bool = True
    cast_from: str = ""

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.weights[2:]

    @property
    def is_pointwise(self) -> bool:
        """1x1 without padding, stride or groups: a matrix product over pixels."""
        ones = (1,) * len(self.kernel)
        return self.kernel == ones and self.stride == ones and not any(self.pad) and self.group == 1


def make(device: Device, spec: Convolution, axis: int = 1) -> Any:
    """A kernel with three calls on tensors (`b` and `db` None without bias):

    forward(x, w, b, y);
    backward_data(dy, w, dx), which writes dx;
    backward_params(x, dy, dw, db, accumulate), which writes dw and db, or adds to them.

    axis : of the channels; all axes before it count as one batch axis.
    """
    if axis != 1:
        inner = make(device, replace(spec, x=merge(spec.x, axis), y=merge(spec.y, axis)))
        return MergedKernel(device, inner, spec, axis)
    fast: Any = onednn.PointwiseKernel if spec.is_pointwise else onednn.ConvolutionKernel
    on_host = {"onednn": fast, "reference": reference.ConvolutionKernel}
    if not isinstance(device, GpuDevice):
        return choose(device, spec, on_host)
    return choice.make(device, spec, on_host)


def make_transposed(device: Device, spec: Convolution, axis: int = 1) -> TransposedKernel:
    """The kernel of a Deconvolution, with the three calls of `make`; `spec` has the roles of x and y swapped.

    spec : of the convolution whose data gradient the Deconvolution is: its x is the top, its y the bottom,
        without bias; the Deconvolution's bias (as many as x has channels) is added here.
    """
    forward_only = replace(spec, bias=False, data_gradient=True, forward_first=False)
    return TransposedKernel(device, make(device, forward_only, axis), spec.x, axis)
