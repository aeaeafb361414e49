"""RNN and LSTM in ONNX: a Scan over time, because ONNX's own have no markers where a sequence begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.export.rules import rule
from owlkit.export.writer import Writer, import_onnx


@rule("LSTMUnit")
def lstm_unit(w: Writer) -> None:
    c_prev, z, cont = (w.bottom(i) for i in range(3))
    streams = w.blob(2).shape[1]
    kept = w.op("Mul", w.op("Reshape", cont, w.constant([1, streams, 1], np.int64)), c_prev)
    c, h = _cell(w, z, kept, w.blob(0).shape[2])
    w.top(c, 0)
    w.top(h, 1)


def _cell(w: Writer, z: str, c: str, units: int) -> tuple[str, str]:
    """(c, h) of one step from the gates' inputs in Caffe's order i, f, o, g along the last axis."""
    i, f, o, g = w.op("Split", z, w.constant([units] * 4, np.int64), outputs=4, axis=-1)
    new = w.op("Mul", w.op("Sigmoid", i), w.op("Tanh", g))
    c = w.op("Add", w.op("Mul", w.op("Sigmoid", f), c), new)
    return c, w.op("Mul", w.op("Sigmoid", o), w.op("Tanh", c))


@rule("RNN", "LSTM")
def recurrent(w: Writer) -> None:
    """Without expose_hidden each run begins with a state of zeros, as the first forward of a net does."""
    assert w.node is not None
    layer, bottoms, tops = w.layer, w.node.bottom, w.node.top
    steps, streams = bottoms[0].shape[:2]
    shape = (1, streams, layer.units)
    if layer.exposed:
        first = len(bottoms) - layer.exposed
        states = [w.op("Reshape", w.bottom(first + k), w.constant(shape[1:], np.int64))
                  for k in range(layer.exposed)]  # fmt: skip
    else:
        states = [w.constant(np.zeros(shape[1:])) for _ in range(layer.states)]
    z = _gates(w, steps, streams)
    cont = w.op("Reshape", w.bottom(1), w.constant([-1, streams, 1], np.int64))
    found = w.op("Scan", *states, z, cont, outputs=layer.states + 1, body=_body(w), num_scan_inputs=2)
    *ending, h = found
    if layer.type == "RNN":
        count = len(layer.blobs)
        h = w.op("Add", w.op("MatMul", h, _turned(w, count - 2)), w.param(count - 1))
        h = w.op("Tanh", h)
    w.top(h)
    for k in range(1, len(tops)):
        w.top(w.op("Reshape", ending[k - 1], w.constant(shape, np.int64)), k)


def _turned(w: Writer, index: int) -> str:
    """A learned matrix, (outputs, inputs), as MatMul takes it."""
    return w.param(index, w.layer.blobs[index].data.T)


def _gates(w: Writer, steps: int, streams: int) -> str:
    """w_x x + b (+ w_s s) of all steps, (T, N, gates * H)."""
    layer = w.layer
    x = w.op("Reshape", w.bottom(0), w.constant([-1, streams, layer.inputs], np.int64))
    z = w.op("Add", w.op("MatMul", x, _turned(w, 0)), w.param(1))
    if layer.has_static:
        static = w.op("Reshape", w.bottom(2), w.constant([streams, layer.static_inputs], np.int64))
        z = w.op("Add", z, w.op("MatMul", static, _turned(w, 2)))
    return z


def _body(w: Writer) -> Any:
    """One time step as a graph of its own: states, z[t], cont[t] -> states, h[t]."""
    helper, layer = import_onnx().helper, w.layer
    inner = Writer(prefix="step/")
    inner.node = w.node
    h, c, z, cont = (f"{layer.name}/step/{name}" for name in ("h", "c", "z", "cont"))
    states = [h, c][: layer.states]
    matrix = inner.param(2 + layer.has_static, layer.blobs[2 + layer.has_static].data.T)
    gates = inner.op("Add", z, inner.op("MatMul", inner.op("Mul", h, cont), matrix))
    if layer.type == "LSTM":
        new_c, new_h = _cell(inner, gates, inner.op("Mul", c, cont), layer.units)
        new = [new_h, new_c]
    else:
        new_h = inner.op("Tanh", gates)
        new = [new_h]
    new = [inner.op("Identity", tensor) for tensor in (*new, new_h)]
    values = [helper.make_tensor_value_info(name, 1, None) for name in (*states, z, cont)]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in new]
    return helper.make_graph(inner.nodes, f"{layer.name}/step", values, outputs, inner.tensors())
