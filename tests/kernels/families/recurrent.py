"""Cases of the kernels of recurrent sequences."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.recurrent import Recurrent
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: Recurrent, values: Values) -> None:
    t, n, h, dtype = spec.steps, spec.streams, spec.units, spec.dtype
    z, w = (
        values.normal(Descriptor((t, n, spec.width), dtype)),
        values.normal(Descriptor((spec.width, h), dtype)),
    )
    w.array[...] /= 8
    start = tuple(values.normal(Descriptor((1, n, h), dtype)) for _ in range(2))
    cont, dh = values.normal(Descriptor((t, n), dtype)), values.normal(Descriptor((t, n, h), dtype))
    cont.array[...] = cont.array > -0.5
    outputs = values.output("h", dh.descriptor)
    states = 2 if spec.cell == "lstm" else 1
    ending = tuple(values.output(f"ending {k}", start[k].descriptor) for k in range(states))
    kernel.forward(z, w, cont, start, outputs, ending)
    values.watch("gates", z)
    kernel.backward(dh, z, w, cont, values.output("dz", z.descriptor))
    values.watch("past", kernel.past)


def _case(name: str, cell: str, steps: int, streams: int, units: int) -> Case:
    def spec(dtype: str) -> Recurrent:
        return Recurrent(cell, steps, streams, units, dtype)

    return Case(f"recurrent-{name}", spec, _run, tolerance=1e-5)


CASES = [
    _case("lstm_many_streams", "lstm", 2, 40, 8),
    _case("lstm", "lstm", 5, 3, 8),
    _case("lstm_odd", "lstm", 4, 2, 5),
    _case("lstm_one_step", "lstm", 1, 4, 16),
    _case("lstm_wide", "lstm", 3, 16, 96),
    _case("lstm_long", "lstm", 21, 16, 96),
    _case("tanh", "tanh", 5, 3, 8),
    _case("tanh_one_stream", "tanh", 6, 1, 7),
]
