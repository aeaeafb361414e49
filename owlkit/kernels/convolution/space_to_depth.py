"""A first layer with stride, on cuDNN: few channels become many, and the stride goes.

Tensor cores take channels by 16 bytes, and a picture has 3. Each stride x stride pixels of x are made one
pixel with all their values as channels; the filters, with zeros up to whole blocks, likewise. AlexNet's 11x11
over 3 channels with stride 4 is then 3x3 over 48. It is the same sum in another order, with zeros times what
lies beside the window: an infinity in x spreads to neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from owlkit.core.dtypes import is_half
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.sizes import size
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.convolution.cudnn import ALIGNMENT, CudnnKernel
from owlkit.kernels.cuda.program import THREADS, check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution


@dataclass(frozen=True)
class Blocks:
    """The shapes. rows, columns : blocks of x that are seen. taps : blocks of a filter, (height, width).
    depth : channels of a block, a multiple of 16 bytes.
    """

    rows: int
    columns: int
    taps: tuple[int, int]
    depth: int

    @staticmethod
    def of(spec: Convolution) -> Blocks:
        """Raises Unsupported for a convolution that has nothing to gain, or whose x's gradient is wanted."""
        channels = spec.x.shape[1]
        strided = len(spec.stride) == 2 and max(spec.stride) > 1 and spec.x.channels_last
        if not strided or set(spec.dilation) != {1} or spec.group != 1:
            raise Unsupported("it is for strides over images, without groups and dilation")
        if channels % pack(spec.x.dtype) == 0:
            raise Unsupported(f"{channels} channels are whole units of tensor cores as they are")
        if spec.data_gradient:
            raise Unsupported("the gradient of its input is wanted")
        taps_h, taps_w = (-(-k // s) for k, s in zip(spec.kernel, spec.stride, strict=True))
        rows, columns = spec.y.shape[2] + taps_h - 1, spec.y.shape[3] + taps_w - 1
        depth = _whole(channels * math.prod(spec.stride), pack(spec.x.dtype))
        return Blocks(rows, columns, (taps_h, taps_w), depth)

    def convolution(self, spec: Convolution) -> Convolution:
        """What is left to compute: with stride 1, on blocks."""
        x = Descriptor((spec.x.shape[0], self.depth, self.rows, self.columns), spec.x.dtype, True)
        weights = (spec.weights[0], self.depth, *self.taps)
        return replace(spec, x=x, weights=weights, stride=(1, 1), pad=(0, 0), weights_channels_last=True)


def saves_products(spec: Convolution, tf32: bool) -> bool:
    """Whether tensor cores have fewer products to make of it, by a tenth at least: estimated, not measured.

    They take channels by 16 bytes. In half precision the 3 of AlexNet's first layer count as 8: 11 * 11 * 8 =
    968 products for a value of y, and 3 * 3 * 48 = 432 in blocks. With TF32 they count as 4: 484 and 432.
    Less than a tenth (7x7 with stride 2 and TF32: 196 and 192) is not worth the pass over x. Full float32 has
    no tensor cores: False.
    """
    if spec.x.dtype == "float32" and not tf32:
        return False
    blocks = Blocks.of(spec)
    plain = math.prod(spec.kernel) * _whole(spec.x.shape[1], pack(spec.x.dtype))
    return math.prod(blocks.taps) * blocks.depth <= 0.9 * plain


class SpaceToDepthKernel:
    """See `owlkit.kernels.convolution.make` for the calls; without that for x's gradient.

    Blocks of x are made anew for the weights' gradient: to keep them would take as much memory as x, for a
    copy that costs one pass over it. reads_float32 : whether x may be given in float32 too, in place of half
    precision: it is rounded as its blocks are made, and no copy of it in between.
    """

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        self._blocks = Blocks.of(spec)
        inner = self._blocks.convolution(spec)
        check_count(spec.x, inner.x)
        self._device, self._spec = device, spec
        self._inner = CudnnKernel(device, inner)
        taps = Descriptor(inner.weights, spec.x.dtype, True)
        # In scratch memory: blocks of x, then those of the filters, then the plan's workspace.
        self._taps_at = _whole(inner.x.nbytes, ALIGNMENT)
        self._space_at = self._taps_at + _whole(taps.nbytes, ALIGNMENT)
        device.reserve_scratch(self._space_at + self._inner.workspace)
        self.detail = f"{self._inner.engines}, {size(self._space_at + self._inner.workspace)}"
        self._prepare_kernels(taps.count)

    def _prepare_kernels(self, taps: int) -> None:
        spec, blocks = self._spec, self._blocks
        channels, (stride_h, stride_w), area = spec.x.shape[1], spec.stride, math.prod(spec.kernel)
        defines: dict[str, Any] = {"CHANNELS": channels, "STRIDE_H": stride_h, "STRIDE_W": stride_w}
        defines["DEPTH"] = blocks.depth
        self.reads_float32 = is_half(spec.x.dtype)
        source, dtype = "convolution/space_to_depth.cu", spec.x.dtype
        compiled = program(self._device, source, dtype, **defines)
        self._gather_blocks = {dtype: compiled.function("gather_blocks")}
        if self.reads_float32:
            rounding = program(self._device, source, dtype, SOURCE="float", **defines)
            self._gather_blocks["float32"] = rounding.function("gather_blocks")
        self._gather_taps = compiled.function("gather_taps")
        self._scatter_taps, self._add_taps = map(compiled.function, ("scatter_taps", "add_taps"))
        steps = (1, channels) if spec.weights_channels_last else (area, 1)
        self._filters = (*spec.kernel, *blocks.taps, *steps)
        self._counts = taps, math.prod(spec.weights)

    def _gather(self, x: Tensor) -> tuple[int, int, int]:
        """Addresses of the blocks of x, now made, of the taps, and of the plan's workspace."""
        here, blocks, spec = self._device.workspace(), self._blocks, self._spec
        sizes = (*spec.x.shape[2:], blocks.rows, blocks.columns, *spec.pad)
        self._gather_blocks[x.dtype].blocks(spec.x.shape[0] * blocks.rows, x, here, *sizes, threads=THREADS)
        return here, here + self._taps_at, here + self._space_at

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        blocks, taps, space = self._gather(x)
        self._gather_taps.each(self._counts[0], w, taps, *self._filters)
        self._inner.run_forward(blocks, taps, b, y, space)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            blocks, taps, space = self._gather(x)
            self._inner.run_params(blocks, dy, taps, space)
            scatter = self._add_taps if accumulate else self._scatter_taps
            scatter.each(self._counts[1], taps, dw, *self._filters)
        self._inner.sum_biases(dy, db, accumulate)


def _whole(count: int, unit: int) -> int:
    """The multiple of `unit` that holds `count`."""
    return -(-count // unit) * unit
