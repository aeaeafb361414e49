"""Cases of the batch normalisation kernels."""

from __future__ import annotations

from typing import Any

from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor
from owlkit.kernels.batchnorm import BatchNorm, Statistics, make_statistics
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: BatchNorm, values: Values) -> None:
    channels = Descriptor((spec.x.shape[1],), wide(spec.x.dtype))
    x, dy = values.normal(spec.x), values.normal(spec.x)
    mean, variance = values.normal(channels), values.normal(channels, low=0.5)
    gamma, beta = values.normal(channels), values.normal(channels)
    y, dx = values.output("y", spec.x), values.output("dx", spec.x)
    dgamma = values.output("dgamma", channels) if spec.scale else None
    dbeta = values.output("dbeta", channels) if spec.shift else None
    values.watch("mean", mean)
    values.watch("variance", variance)
    gamma, beta = (gamma if spec.scale else None), (beta if spec.shift else None)
    kernel.forward(x, y, mean, variance, gamma, beta)
    kernel.backward(x, mean, variance, gamma, dy, dx, dgamma, dbeta)


def _gradient_in_place(kernel: Any, spec: BatchNorm, values: Values) -> None:
    channels = Descriptor((spec.x.shape[1],), wide(spec.x.dtype))
    x, dy, y = values.normal(spec.x), values.watch("dx", values.normal(spec.x)), values.output("y", spec.x)
    mean, variance = values.output("mean", channels), values.output("variance", channels)
    gamma, beta = values.normal(channels), values.normal(channels)
    dgamma, dbeta = values.output("dgamma", channels), values.output("dbeta", channels)
    kernel.forward(x, y, mean, variance, gamma, beta)
    kernel.backward(x, mean, variance, gamma, dy, dy, dgamma, dbeta)


def _far_from_zero(kernel: Any, spec: BatchNorm, values: Values) -> None:
    channels = Descriptor((spec.x.shape[1],), wide(spec.x.dtype))
    x, y = values.normal(spec.x, low=64), values.output("y", spec.x)
    mean, variance = values.output("mean", channels), values.output("variance", channels)
    kernel.forward(x, y, mean, variance, values.normal(channels), values.normal(channels))


def _statistics(kernel: Any, spec: Statistics, values: Values) -> None:
    """Before the first batch they stand for nothing, and after two for more of the second."""
    mean, variance = values.normal(spec.channels), values.normal(spec.channels, low=0.5)
    one = Descriptor((1,), spec.channels.dtype)
    running = values.normal(spec.channels), values.normal(spec.channels, low=0.5), values.normal(one)
    for number, tensor in enumerate(running):
        tensor.flat[...] = 0
        values.watch(f"running {number}", tensor)
    for after in range(3):
        kernel.read(running, *(values.output(f"{n} after {after}", spec.channels) for n in ("mean", "var")))
        kernel.follow(mean, variance, running)
        mean, variance = variance, mean


def _statistics_case(name: str, channels: int, unbias: float) -> Case:
    def spec(dtype: str) -> Statistics:
        return Statistics(Descriptor((channels,), wide(dtype)), 0.75, unbias)

    return Case(f"batchnorm-statistics_{name}", spec, _statistics, fast=False, make=make_statistics)


def _case(name: str, shape: tuple[int, ...], *options: Any, run: Any = _run, eps: float = 1e-5) -> Case:
    return Case(
        f"batchnorm-{name}",
        lambda dtype: BatchNorm(layout(*shape, dtype=dtype), eps, *options),
        run,
        tolerance=1e-5,
    )


CASES = [
    _case("alone", (4, 16, 3, 5)),
    _case("alone_odd_channels", (4, 3, 3, 5), eps=0.1),
    _case("scale_shift", (4, 16, 3, 5), False, True, True),
    _case("scale_only", (4, 16, 3, 5), False, True),
    _case("scale_shift_relu", (4, 32, 3, 5), False, True, True, True),
    _case("scale_shift_relu_odd_channels", (4, 5, 3, 5), False, True, True, True),
    _case("relu", (4, 16, 3, 5), False, False, False, True),
    _case("in_place_gradient", (4, 16, 3, 5), False, True, True, True, run=_gradient_in_place),
    _case("global", (4, 16, 3, 5), True),
    _case("global_scale_shift_relu", (4, 16, 3, 5), True, True, True, True),
    _case("vectors", (6, 5), False, True, True),
    _case("vectors_relu", (6, 16), False, True, True, True),
    _case("volume", (2, 3, 2, 2, 3)),
    _case("sequence", (4, 3, 7), False, True, True),
    _case("wide", (3, 136, 2, 3), False, True, True, True),
    _case("far_from_zero", (4, 8, 5, 5), False, True, True, run=_far_from_zero),
    _statistics_case("few", 5, 1.25),
    _statistics_case("more_than_a_block", 300, 1.0),
]
