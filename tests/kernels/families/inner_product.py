"""Cases of the fully connected kernels."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.inner_product import InnerProduct
from tests.kernels.cases import Case, Values, layout


def _run(kernel: Any, spec: InnerProduct, values: Values) -> None:
    shape = (spec.inputs, spec.outputs) if spec.transpose else (spec.outputs, spec.inputs)
    weights, biases = Descriptor(shape, spec.x.dtype), Descriptor((spec.outputs,), spec.x.dtype)
    x, w, dy = values.normal(spec.x), values.normal(weights), values.normal(spec.y)
    b, db = (values.normal(biases), values.output("db", biases)) if spec.bias else (None, None)
    dw = values.output("dw", weights)
    kernel.forward(x, w, b, values.output("y", spec.y))
    kernel.backward_data(dy, w, values.output("dx", spec.x))
    kernel.backward_params(x, dy, dw, db, False)
    kernel.backward_params(x, dy, dw, db, True)  # added to, so twice the gradient


def _case(name: str, x: tuple[int, ...], y: tuple[int, ...], rows: int, **options: bool) -> Case:
    def spec(dtype: str) -> InnerProduct:
        source, target = layout(*x, dtype=dtype), layout(*y, dtype=dtype)
        return InnerProduct(source, target, rows, source.count // rows, target.count // rows, **options)

    return Case(f"inner_product-{name}", spec, _run, tolerance=1e-5)


CASES = [
    _case("vectors", (6, 20), (6, 7), 6),
    _case("images", (6, 3, 4, 5), (6, 7), 6),
    _case("relu", (6, 3, 4, 5), (6, 7), 6, relu=True),
    _case("no_bias", (6, 20), (6, 7), 6, bias=False),
    _case("transposed", (6, 20), (6, 7), 6, transpose=True),
    _case("large", (3, 64, 4, 4), (3, 1030), 3, relu=True),
    _case("large_no_bias", (3, 1030), (3, 1030), 3, bias=False),
    _case("sequences", (3, 2, 20), (3, 2, 7), 6),
]
