"""Sum, product and maximum of several tensors of one shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.eltwise import cuda, onednn, reference


@dataclass(frozen=True)
class Eltwise:
    """y = sum of coefficients[i] * x_i, product of x_i, or maximum of x_i, elementwise.

    operation : "sum", "prod" or "max".
    coefficients : one for each x_i (1 where they mean nothing).
    x : descriptor of all bottoms and the top.
    stable : the gradient of a product multiplies the other factors; otherwise it divides y by x_i (faster for
        many bottoms, NaN where x_i = 0).
    relu : the sum ends with max(y, 0).
    """

    operation: str
    coefficients: tuple[float, ...]
    x: Descriptor
    stable: bool = True
    relu: bool = False


def make(device: Device, spec: Eltwise) -> Any:
    """A kernel with `forward(xs, y)` and `backward(xs, y, dy, dxs)`, where xs and dxs are lists of tensors.

    A gradient that is not wanted is None in dxs. `backward` knows nothing of the ReLU: give it dy as the
    ReLU's own backward left it. y and dy may share memory with xs[0] and dxs[0] of a sum.
    """
    found = {"cuda": cuda.EltwiseKernel, "onednn": onednn.EltwiseKernel, "reference": reference.EltwiseKernel}
    return choose(device, spec, found)


def make_addition(device: Device, x: Descriptor) -> Any:
    """A kernel to call as kernel(total, part): total += part, two tensors with the descriptor `x`.

    For what is added to now and then (a second gradient of a parameter): NumPy on a CPU.
    """
    return choose(device, x, {"cuda": cuda.Addition, "reference": reference.Addition})
