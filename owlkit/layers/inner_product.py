"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import inner_product
from owlkit.kernels.activation.absorbed import Absorbed, make_absorbed
from owlkit.layers.activation import absorb_relu
from owlkit.layers.base import Blobs, Layer, register


@register("InnerProduct")
class InnerProduct(Layer):
    """A matrix product with learned weights (fully connected layer).

    bottom 0 : x, any shape, read as (M, K): axes before axis make M, axes from axis on make K.
    top 0 : y, (axes of x before axis, num_output).
    blobs : w, (num_output, K), or (K, num_output) with transpose; b, (num_output,).
    Formula: y = x w^T + b
    Gradient: dw = dy^T x, db = sum of dy over rows, dx = dy w.
    Parameters (inner_product_param):
        num_output : how many outputs, required.
        bias_term : whether there is a b.
        weight_filler : of w; zeros where none is given, as in Caffe.
        bias_filler : of b; zeros where none is given.
        axis : the first axis that belongs to K; negative counts from the end.
        transpose : keep w the other way round.
    Source: Caffe's InnerProductLayer.
    """

    precision = "half"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.inner_product_param
        x = bottom[0]
        if p.num_output < 1:
            raise self.error("num_output is missing; give the number of outputs")
        try:
            self.axis = x.canonical_axis(p.axis)
        except IndexError as error:
            raise self.error(f"inner_product_param.axis: {error}", x) from None
        self.outputs, self.transpose = p.num_output, p.transpose
        self.inputs = x.count_between(self.axis)
        shape = (self.inputs, self.outputs) if self.transpose else (self.outputs, self.inputs)
        self.add_param(shape, p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        inputs = x.count_between(self.axis)
        if inputs != self.inputs:
            raise self.error(
                f"its weights take {self.inputs} inputs, the bottom gives {inputs}; keep the input's size, "
                "or bring the maps before it to one (Pooling with global_pooling: true, or SPP)",
                x,
            )
        top[0].reshape(*x.shape[: self.axis], self.outputs)

    def absorb(self, follower: Layer) -> bool:
        return absorb_relu(self, follower)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0], top[0]
        spec = inner_product.InnerProduct(
            x.descriptor, y.descriptor, x.count_between(0, self.axis), self.inputs, self.outputs,
            self.transpose, len(self.blobs) > 1, bool(self.absorbed),
            train=self.wants_params, data_gradient=any(self.propagate_down),
        )  # fmt: skip
        self.kernel = inner_product.make(device, spec)
        if self.absorbed and (spec.train or spec.data_gradient):
            self.relu = make_absorbed(device, Absorbed(y.descriptor, y.ndim - 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        w, b = self.param_tensors()
        self.kernel.forward(bottom[0].data_tensor, w, b, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff_tensor
        dw, db = self.param_gradients()
        accumulate = self.wants_params and self.begin_accumulate()
        if self.absorbed and self.relu.backward(top[0].data_tensor, dy, db, accumulate):
            db = None
        if dw is not None or db is not None:
            self.kernel.backward_params(bottom[0].data_tensor, dy, dw, db, accumulate)
        if propagate_down[0]:
            self.kernel.backward_data(dy, self.working[0].data_tensor, bottom[0].diff_tensor)

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        return top[0].count * self.inputs

    def describe(self) -> str:
        return f"{self.outputs} outputs" + (", transposed weights" if self.transpose else "")
