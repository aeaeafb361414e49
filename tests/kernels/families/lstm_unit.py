"""Cases of one step of an LSTM."""

from __future__ import annotations

from typing import Any

from owlkit.core.tensor import Descriptor
from owlkit.kernels.lstm_unit import LSTMUnit
from tests.kernels.cases import Case, Values


def _run(kernel: Any, spec: LSTMUnit, values: Values) -> None:
    state, wide = (Descriptor((1, spec.streams, k * spec.units), spec.dtype) for k in (1, 4))
    c_prev, x, dc, dh = (values.normal(d) for d in (state, wide, state, state))
    cont = values.normal(Descriptor((1, spec.streams), spec.dtype))
    cont.array[...] = cont.array > -0.5
    kernel.forward(c_prev, x, cont, values.output("c", state), values.output("h", state))
    kernel.backward(c_prev, dc, dh, values.output("dc_prev", state), values.output("dx", wide))
    kernel.backward(c_prev, dc, dh, None, values.output("dx alone", wide))
    kernel.backward(c_prev, dc, dh, values.output("dc_prev alone", state), None)


def _case(name: str, streams: int, units: int) -> Case:
    return Case(f"lstm_unit-{name}", lambda dtype: LSTMUnit(streams, units, dtype), _run, fast=False)


CASES = [_case("few", 5, 3), _case("one_stream", 1, 7), _case("more_than_a_block", 6, 50)]
