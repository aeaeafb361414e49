"""Cases of the scale kernels."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.scale import Scale
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: Scale, values: Values, gammas: Descriptor | None = None) -> None:
    small = Descriptor(spec.x.shape[spec.axis : spec.axis + spec.num_axes], spec.x.dtype)
    x, gamma, dy = values.normal(spec.x), values.normal(gammas or small), values.normal(spec.x)
    beta, dbeta = (values.normal(small), values.output("dbeta", small)) if spec.bias else (None, None)
    y, dx, dgamma = (
        values.output("y", spec.x),
        values.output("dx", spec.x),
        values.output("dgamma", gammas or small),
    )
    kernel.forward(x, y, gamma, beta)
    kernel.backward(x, gamma, dy, dx, dgamma, dbeta)


def _channels_last(kernel: Any, spec: Scale, values: Values) -> None:
    """gamma is a blob like x; beta, which is learned, is not."""
    _run(kernel, spec, values, spec.x)


def _case(name: str, shape: tuple[int, ...], *options: Any, fast: bool = True, run: Any = _run) -> Case:
    return Case(
        f"scale-{name}",
        lambda dtype: Scale(layout(*shape, dtype=dtype), *options),
        run,
        fast=fast,
        tolerance=1e-5,
    )


CASES = [
    _case("channels", (2, 16, 4, 5), 1, 1, True),
    _case("channels_no_bias", (2, 3, 4, 5), 1, 1),
    _case("rows", (2, 3, 4, 5), 2, 1, True),
    _case("images", (2, 3, 4, 5), 0, 1, True),
    _case("two_axes_of_images", (2, 3, 4, 5), 0, 2, True),
    _case("excitation", (3, 32, 4, 5), 0, 2),
    _case("last_axes_of_images", (2, 3, 4, 5), 1, 2, True, fast=False),
    _case("two_axes_of_sequences", (2, 3, 4), 0, 2, True),
    _case("several_blocks", (1300, 5), 1, 1, True),
    _case("three_axes_of_images", (2, 3, 4, 5), 1, 3, True, fast=False),
    _case("vectors", (4, 5), 1, 1, True),
    _case("scalar", (2, 3, 4, 5), 0, 0, True, fast=False),
    _case("all", (2, 3, 4, 5), 0, 4, True, fast=False),
    _case("all_channels_last", (2, 3, 4, 5), 0, 4, True, fast=False, run=_channels_last),
]
