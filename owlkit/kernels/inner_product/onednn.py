"""Fully connected by oneDNN: matmul for the outputs, inner product for both gradients.

Each is the faster of the two on plain weights, by a factor of two for CaffeNet's fc6 (batch 32).

Weights stay in the caffemodel's plain order (a reorder of 38 million weights costs more than it saves); a
channels-last bottom is copied into C, H, W order instead, which is cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
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
from owlkit.kernels.inner_product.turned import TurnedForward
from owlkit.kernels.inner_product.turned import pays as turned_pays

if TYPE_CHECKING:
    from owlkit.kernels.inner_product import InnerProduct


class InnerProductKernel:
    def __init__(self, device: Device, spec: InnerProduct) -> None:
        self._device, self._spec = device, spec
        m, k, n = spec.rows, spec.inputs, spec.outputs
        plain, dtype = MemoryDescriptor.plain, spec.x.dtype
        self._x, self._y = MemoryDescriptor.of(Descriptor((m, k), dtype)), plain(m, n)
        stored, turned = plain(n, k), MemoryDescriptor.strided((k, n), (1, k))
        if spec.transpose:
            stored, turned = MemoryDescriptor.strided((n, k), (1, n)), plain(k, n)
        self._w, self._w_t = stored, turned  # (N, K) and (K, N) views of the same memory
        self._bias_row = plain(1, n) if spec.bias else None
        # Plain copies of what is not in C order, made once and kept for the backward pass.
        self._x_copy = None if spec.x.is_plain else Tensor(Descriptor(spec.x.shape))
        self._y_copy = None if spec.y.is_plain else Tensor(Descriptor(spec.y.shape))
        self._turned: TurnedForward | None = None
        if not spec.transpose and turned_pays(m, k, n):
            self._turned = TurnedForward(device, m, k, n, spec.bias, spec.relu)
            self.detail = f"turned matmul {self._turned.implementation}"
        else:
            post = Attributes([("relu",)] if spec.relu else [])
            self._forward = Primitive(
                device, "matmul", self._x, self._w_t, self._bias_row, self._y, attributes=post
            )
            self.detail = f"matmul {self._forward.implementation}"
        self.forward = Bound(self._bind_forward)
        if spec.train or spec.data_gradient:
            self._make_gradients(device)

    def _make_gradients(self, device: Device) -> None:
        spec = self._spec
        bias = MemoryDescriptor.plain(spec.outputs) if spec.bias else None
        any_w = MemoryDescriptor.any(spec.outputs, spec.inputs)
        hint = Primitive(device, "inner_product_forward", api.TRAINING, self._x, any_w, bias, self._y)
        if spec.data_gradient:
            self._data = Primitive(device, "inner_product_backward_data", self._x, self._w, self._y, hint)
            self.backward_data = Bound(self._bind_data)
        if spec.train:
            args = (self._x, self._w, bias, self._y, hint)
            self._params = Primitive(device, "inner_product_backward_weights", *args)
            self.backward_params = ParameterGradients(self._bind_params)

    def _plain(self, tensor: Tensor, copy: Tensor | None) -> tuple[Tensor, list[Callable[[], None]]]:
        """The tensor in C order, and the calls that bring it there."""
        if copy is None:
            return tensor, []
        return copy, [reorder(self._device, Memory.of(tensor), Memory.of(copy))]

    def _bind_forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> Callable[[], None]:
        source, before = self._plain(x, self._x_copy)
        target = y if self._y_copy is None else self._y_copy
        after = [] if target is y else [reorder(self._device, Memory.of(target), Memory.of(y))]
        if self._turned is not None:
            return in_sequence(*before, self._turned.bind(source, w, b, target), *after)
        memories = {
            api.SRC: Memory.of(source, self._x),
            api.WEIGHTS: Memory.of(w, self._w_t),
            api.DST: Memory.of(target, self._y),
        }
        if b is not None:
            memories[api.BIAS] = Memory.of(b, self._bias_row)
        return in_sequence(*before, self._forward.bind(memories), *after)

    def _bind_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> Callable[[], None]:
        gradient, before = self._plain(dy, self._y_copy)
        target = dx if self._x_copy is None else Tensor(Descriptor(self._spec.x.shape))
        memories = {
            api.DIFF_DST: Memory.of(gradient, self._y),
            api.WEIGHTS: Memory.of(w, self._w),
            api.DIFF_SRC: Memory.of(target, self._x),
        }
        after = [] if target is dx else [reorder(self._device, Memory.of(target), Memory.of(dx))]
        return in_sequence(*before, self._data.bind(memories), *after)

    def _bind_params(self, x: Tensor, dy: Tensor, dw: Tensor, db: Tensor | None) -> Callable[[], None]:
        source = x if self._x_copy is None else self._x_copy  # filled by the forward pass
        gradient, before = self._plain(dy, self._y_copy)
        memories = {
            api.SRC: Memory.of(source, self._x),
            api.DIFF_DST: Memory.of(gradient, self._y),
            api.DIFF_WEIGHTS: Memory.of(dw, self._w),
        }
        if self._spec.bias:
            spare = Tensor(Descriptor((self._spec.outputs,)))
            memories[api.DIFF_BIAS] = Memory.of(db if db is not None else spare)
        return in_sequence(*before, self._params.bind(memories))
