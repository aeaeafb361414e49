"""Eltwise: sum, product or maximum of several bottoms."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import activation, eltwise
from owlkit.layers.activation import absorb_relu
from owlkit.layers.agreement import to_agree
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.proto import caffe_pb2

_OPERATIONS = {
    caffe_pb2.EltwiseParameter.SUM: "sum",
    caffe_pb2.EltwiseParameter.PROD: "prod",
    caffe_pb2.EltwiseParameter.MAX: "max",
}


@register("Eltwise")
class Eltwise(Layer):
    """The sum, product or maximum of blobs of one shape, elementwise.

    bottom i : x_i, two or more of one shape.
    top 0 : y, that shape.
    Formula: elementwise,
        SUM: y = sum of coeff_i x_i
        PROD: y = product of x_i
        MAX: y = maximum of x_i
    Gradient: SUM: dx_i = coeff_i dy. PROD: dy times the other factors. MAX: dy where x_i is the maximum:
        bottom 1 wins a tie over bottom 0, later bottoms must be strictly larger (Caffe).
    Parameters (eltwise_param):
        operation : PROD, SUM or MAX.
        coeff : SUM only: none (all 1), or one per bottom.
        stable_prod_grad : PROD's gradient by multiplication; false: dx_i = dy y / x_i, which is NaN where x_i
            = 0.
    Source: Caffe's EltwiseLayer.

    It cannot run in place: Caffe's SUM zeroes its input there.
    """

    bottoms = Arity(minimum=2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.param.eltwise_param
        self.operation = _OPERATIONS[p.operation]
        given = tuple(p.coeff)
        if given and self.operation != "sum":
            raise self.error(f"coeff is for SUM only, not for {self.operation.upper()}; remove it")
        if given and len(given) != len(bottom):
            raise self.error(f"{len(given)} coeff for {len(bottom)} bottoms; give one per bottom, or none")
        self.coefficients = given or (1.0,) * len(bottom)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                raise self.error(
                    f"expects {bottom[0].shape} as of {bottom[0].given_name!r}: {to_agree(blob, bottom[0])}",
                    blob,
                )
        top[0].reshape(bottom[0].shape)

    def absorb(self, follower: Layer) -> bool:
        return self.operation == "sum" and self.coefficients == (1.0, 1.0) and absorb_relu(self, follower)

    def passes_gradient(self, index: int) -> bool:
        return self.operation == "sum" and self.coefficients[index] == 1

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].descriptor
        stable = self.param.eltwise_param.stable_prod_grad
        spec = eltwise.Eltwise(self.operation, self.coefficients, x, stable, bool(self.absorbed))
        self.kernel = eltwise.make(device, spec)
        if self.absorbed:
            self.relu = activation.make(device, activation.Activation("relu", x))

    def top_survives(self, follower: Layer) -> bool:
        return self.operation == "sum" and super().top_survives(follower)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward([blob.data_tensor for blob in bottom], top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        y, dy = top[0].data_tensor, top[0].diff_tensor
        if self.absorbed:
            self.relu.backward(y, dy, dy)
        dxs = [
            blob.diff_tensor if wanted and not blob.shares_diff(top[0]) else None
            for blob, wanted in zip(bottom, propagate_down, strict=True)
        ]
        self.kernel.backward([blob.data_tensor for blob in bottom], y, dy, dxs)

    def describe(self) -> str:
        if all(c == 1 for c in self.coefficients):
            return self.operation
        return f"{self.operation} with {', '.join(f'{c:g}' for c in self.coefficients)}"
