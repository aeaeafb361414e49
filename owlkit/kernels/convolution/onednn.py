"""Convolution by oneDNN on channels-last activations and plain weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.gradient import ParameterGradients
from owlkit.kernels.dnnl.primitive import (
    Attributes,
    Bound,
    Memory,
    MemoryDescriptor,
    Primitive,
    in_sequence,
    reorder,
)

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution


class ConvolutionKernel:
    """oneDNN chooses the weights' layout; every forward copies them into it, as the solver changes them."""

    def __init__(self, device: Device, spec: Convolution) -> None:
        if len(spec.kernel) != 2 or not spec.x.channels_last:
            raise Unsupported(f"{len(spec.kernel)} spatial axes")
        _check_weights(spec)
        self._device, self._spec = device, spec
        self._w_shape = _grouped(spec.weights, spec.group)
        self._w_plain = MemoryDescriptor.plain(*self._w_shape)
        x, y = MemoryDescriptor.of(spec.x), MemoryDescriptor.of(spec.y)
        bias = MemoryDescriptor.plain(spec.weights[0]) if spec.bias else None
        any_w = MemoryDescriptor.any(*self._w_shape)
        dilation = tuple(d - 1 for d in spec.dilation)
        window = [api.dims(v) for v in (spec.stride, dilation, spec.pad, self._pad_end())]
        post = Attributes([("relu",)] if spec.relu else [])
        kind = api.TRAINING if spec.train or spec.data_gradient else api.INFERENCE
        direct = api.CONVOLUTION_DIRECT
        self._forward = Primitive(
            device, "convolution_forward", kind, direct, x, any_w, bias, y, *window, attributes=post
        )
        self.detail = self._forward.implementation
        self._w = self._copy_of_weights(self._forward)
        self.forward = Bound(self._bind_forward)
        if spec.data_gradient:
            self._data = Primitive(
                device, "convolution_backward_data", direct, x, any_w, y, *window, self._forward
            )
            self._w_data = self._copy_of_weights(self._data)
            self.backward_data = Bound(self._bind_data)
        if spec.train:
            self._params = Primitive(
                device, "convolution_backward_weights", direct, x, any_w, bias, y, *window, self._forward
            )
            self.backward_params = ParameterGradients(self._bind_params)

    def _pad_end(self) -> tuple[int, ...]:
        """Padding after the last pixel; negative where the last pixels are not reached."""
        s = self._spec
        axes = zip(s.x.shape[2:], s.y.shape[2:], s.kernel, s.stride, s.pad, s.dilation, strict=True)
        return tuple((o - 1) * st + (k - 1) * d + 1 - n - p for n, o, k, st, p, d in axes)

    def _copy_of_weights(self, primitive: Primitive) -> Memory | None:
        """Memory in the layout the primitive wants, None where plain weights will do."""
        wanted = primitive.layout(api.WEIGHTS)
        assert wanted is not None
        return None if wanted.same_as(self._w_plain) else Memory.fresh(wanted)

    def _bind_forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> Callable[[], None]:
        plain = Memory.of(w, self._w_plain)
        memories = {api.SRC: Memory.of(x), api.WEIGHTS: self._w or plain, api.DST: Memory.of(y)}
        if b is not None:
            memories[api.BIAS] = Memory.of(b)
        copies = [reorder(self._device, plain, self._w)] if self._w else []
        return in_sequence(*copies, self._forward.bind(memories))

    def _bind_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> Callable[[], None]:
        plain = Memory.of(w, self._w_plain)
        weights, copies = plain, []
        if self._w_data is not None:
            same = (
                self._spec.forward_first
                and self._w is not None
                and self._w.descriptor.same_as(self._w_data.descriptor)
            )
            if same and self._w is not None:
                weights = self._w  # the forward pass has filled it
            else:
                weights, copies = self._w_data, [reorder(self._device, plain, self._w_data)]
        memories = {api.DIFF_DST: Memory.of(dy), api.WEIGHTS: weights, api.DIFF_SRC: Memory.of(dx)}
        return in_sequence(*copies, self._data.bind(memories))

    def _bind_params(self, x: Tensor, dy: Tensor, dw: Tensor, db: Tensor | None) -> Callable[[], None]:
        plain = Memory.of(dw, self._w_plain)
        layout = self._params.layout(api.DIFF_WEIGHTS)
        assert layout is not None
        target = plain if layout.same_as(self._w_plain) else Memory.fresh(layout)
        memories = {api.SRC: Memory.of(x), api.DIFF_DST: Memory.of(dy), api.DIFF_WEIGHTS: target}
        if self._spec.bias:
            # oneDNN computes the bias gradient along; where nobody wants it, it goes into spare memory.
            spare = Tensor(Descriptor((self._spec.weights[0],)))
            memories[api.DIFF_BIAS] = Memory.of(db if db is not None else spare)
        copies = [] if target is plain else [reorder(self._device, target, plain)]
        return in_sequence(self._params.bind(memories), *copies)


class PointwiseKernel:
    """1x1 convolution as a product of matrices: x (P, C), w (M, C), y (P, M), P = N * H * W pixels."""

    def __init__(self, device: Device, spec: Convolution) -> None:
        if len(spec.kernel) != 2 or not spec.x.channels_last:
            raise Unsupported(f"{len(spec.kernel)} spatial axes")
        _check_weights(spec)
        n, c, h, w = spec.x.shape
        m, pixels = spec.weights[0], n * h * w
        plain = MemoryDescriptor.plain
        self._spec = spec
        self._x, self._y, self._w = plain(pixels, c), plain(pixels, m), plain(m, c)
        self._w_t = MemoryDescriptor.strided((c, m), (1, c), spec.x.dtype)
        self._bias_row = plain(1, m) if spec.bias else None
        post = Attributes([("relu",)] if spec.relu else [])
        self._forward = Primitive(
            device, "matmul", self._x, self._w_t, self._bias_row, self._y, attributes=post
        )
        self.detail = f"matmul {self._forward.implementation}"
        self.forward = Bound(self._bind_forward)
        if spec.data_gradient:
            self._data = Primitive(device, "matmul", self._y, self._w, None, self._x)
            self.backward_data = Bound(self._bind_data)
        if spec.train:
            self._make_params(device, m, c, pixels)
            self.backward_params = ParameterGradients(self._bind_params)

    def _make_params(self, device: Device, m: int, c: int, pixels: int) -> None:
        if self._spec.bias:
            # inner product gives the bias gradient in the same pass
            bias = MemoryDescriptor.plain(m)
            any_w = MemoryDescriptor.any(m, c)
            hint = Primitive(device, "inner_product_forward", api.TRAINING, self._x, any_w, bias, self._y)
            self._params = Primitive(
                device, "inner_product_backward_weights", self._x, self._w, bias, self._y, hint
            )
        else:
            self._y_t = MemoryDescriptor.strided((m, pixels), (1, m))
            self._params = Primitive(device, "matmul", self._y_t, self._x, None, self._w)

    def _bind_forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> Callable[[], None]:
        memories = {
            api.SRC: Memory.of(x, self._x),
            api.WEIGHTS: Memory.of(w, self._w_t),
            api.DST: Memory.of(y, self._y),
        }
        if b is not None:
            memories[api.BIAS] = Memory.of(b, self._bias_row)
        return self._forward.bind(memories)

    def _bind_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> Callable[[], None]:
        memories = {api.SRC: (dy, self._y), api.WEIGHTS: (w, self._w), api.DST: (dx, self._x)}
        return self._data.bind({k: Memory.of(*pair) for k, pair in memories.items()})

    def _bind_params(self, x: Tensor, dy: Tensor, dw: Tensor, db: Tensor | None) -> Callable[[], None]:
        if not self._spec.bias:
            memories = {
                api.SRC: Memory.of(dy, self._y_t),
                api.WEIGHTS: Memory.of(x, self._x),
                api.DST: Memory.of(dw, self._w),
            }
            return self._params.bind(memories)
        spare = Tensor(Descriptor((self._spec.weights[0],)))
        memories = {
            api.SRC: Memory.of(x, self._x),
            api.DIFF_DST: Memory.of(dy, self._y),
            api.DIFF_WEIGHTS: Memory.of(dw, self._w),
            api.DIFF_BIAS: Memory.of(db if db is not None else spare),
        }
        return self._params.bind(memories)


def _check_weights(spec: Convolution) -> None:
    if spec.weights_channels_last:
        raise Unsupported("channels-last weights")


def _grouped(weights: tuple[int, ...], group: int) -> tuple[int, ...]:
    """oneDNN's weights with groups have the group as an axis of its own."""
    if group == 1:
        return weights
    return (group, weights[0] // group, *weights[1:])
