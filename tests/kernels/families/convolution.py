"""Cases of the convolution kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from owlkit.core.tensor import Descriptor
from owlkit.kernels.convolution import Convolution, make_transposed
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Convolution, values: Values) -> None:
    weights = Descriptor(spec.weights, spec.x.dtype, spec.weights_channels_last)
    biases = Descriptor(spec.weights[:1], spec.x.dtype)
    x, w, dy = values.normal(spec.x), values.normal(weights), values.normal(spec.y)
    b, db = (values.normal(biases), values.output("db", biases)) if spec.bias else (None, None)
    dw = values.output("dw", weights)
    kernel.forward(x, w, b, values.output("y", spec.y))
    kernel.backward_data(dy, w, values.output("dx", spec.x))
    kernel.backward_params(x, dy, dw, db, False)
    kernel.backward_params(x, dy, dw, db, True)  # added to, so twice the gradient


def _case(
    name: str, x: tuple[int, ...], outputs: int, kernel: tuple[int, ...], stride: int = 1, pad: int = 0,
    dilation: int = 1, group: int = 1, fast: bool = True, **options: bool,
) -> Case:  # fmt: skip
    extent = [dilation * (k - 1) + 1 for k in kernel]
    size = [(n + 2 * pad - e) // stride + 1 for n, e in zip(x[2:], extent, strict=True)]

    def spec(dtype: str) -> Convolution:
        axes = len(kernel)
        return Convolution(
            layout(*x, dtype=dtype), layout(x[0], outputs, *size, dtype=dtype),
            (outputs, x[1] // group, *kernel), (stride,) * axes, (pad,) * axes, (dilation,) * axes, group,
            **options,
        )  # fmt: skip

    depth = int(np.prod((x[1] // group, *kernel)))
    return Case(f"convolution-{name}", spec, _run, fast=fast, tolerance=1e-6 * max(2, depth**0.5))


def _run_transposed(kernel: Any, spec: Convolution, values: Values) -> None:
    dtype = spec.x.dtype
    weights = Descriptor(spec.weights, dtype, spec.weights_channels_last)
    biases = Descriptor(spec.x.shape[1:2], dtype)
    x, w, dy = values.normal(spec.y), values.normal(weights), values.normal(spec.x)
    b, db = values.normal(biases), values.output("db", biases)
    dw = values.output("dw", weights)
    kernel.forward(x, w, b, values.output("y", spec.x))
    kernel.backward_data(dy, w, values.output("dx", spec.y))
    kernel.backward_params(x, dy, dw, db, False)
    kernel.backward_params(x, dy, dw, db, True)


def _transposed(name: str, *args: Any, **options: Any) -> Case:
    case = _case(f"transposed_{name}", *args, **options)
    return replace(case, run=_run_transposed, make=make_transposed)


CASES = [
    _case("plain", (2, 3, 9, 8), 5, (3, 3)),
    _case("pad_stride", (2, 16, 9, 8), 32, (5, 3), stride=2, pad=1),
    _case("relu", (2, 3, 9, 8), 8, (3, 3), relu=True),
    _case("no_bias", (2, 3, 9, 8), 8, (3, 3), bias=False),
    _case("dilated", (2, 3, 9, 8), 8, (3, 3), dilation=2),
    _case("groups", (2, 8, 9, 8), 12, (3, 3), group=2, pad=1),
    _case("depthwise", (2, 8, 9, 8), 8, (3, 3), group=8, pad=1),
    _case("pointwise", (2, 16, 5, 4), 8, (1, 1)),
    _case("pointwise_relu", (2, 16, 5, 4), 8, (1, 1), relu=True),
    _case("pointwise_no_bias", (2, 16, 5, 4), 8, (1, 1), bias=False),
    _case("pointwise_stride", (2, 16, 6, 6), 8, (1, 1), stride=2),
    _case("filters_channels_last", (2, 8, 9, 8), 12, (3, 2), pad=1, fast=False, weights_channels_last=True),
    _case(
        "filters_channels_last_groups",
        (2, 8, 9, 8),
        12,
        (3, 3),
        stride=2,
        pad=1,
        dilation=2,
        group=2,
        fast=False,
        weights_channels_last=True,
        relu=True,
    ),
    _case("filters_channels_last_thin", (2, 3, 9, 8), 5, (3, 3), fast=False, weights_channels_last=True),
    _case("pointwise_groups", (2, 8, 5, 4), 12, (1, 1), group=2),
    _case("rows", (3, 4, 11), 6, (3,), stride=2, pad=1, group=2, fast=False),
    _case("volumes", (2, 3, 4, 5, 6), 4, (2, 3, 2), pad=1, fast=False, relu=True),
    _transposed("plain", (2, 3, 9, 8), 5, (3, 3)),
    _transposed("pad_stride", (2, 16, 9, 7), 32, (5, 3), stride=2, pad=1),
    _transposed("groups", (2, 8, 9, 8), 12, (3, 3), group=2, pad=1),
    _transposed("depthwise", (2, 8, 8, 8), 8, (4, 4), stride=2, group=8, pad=1),
    _transposed("pointwise", (2, 16, 5, 4), 8, (1, 1)),
    _transposed("rows", (2, 4, 11), 6, (3,), stride=2, pad=1, fast=False),
    _transposed("filters_channels_last", (2, 8, 9, 8), 12, (3, 3), fast=False, weights_channels_last=True),
]
