"""Brings definitions and weights of all of Caffe's formats to today's, with Caffe's rules.

In order: V0 layers to V1, transformation fields of V1 data layers, V1 layers to today's, net inputs to an
Input layer, BatchNorm's learning rates, the solver's type. Everything happens in place; what was done is
returned as notes for people.
"""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import PrototxtError
from owlkit.proto import caffe_pb2
from owlkit.proto.page import show_in_notebooks
from owlkit.proto.upgrade_v0 import upgrade_v0
from owlkit.proto.upgrade_v1 import upgrade_transformations, upgrade_v1

# Whatever is read or built into a net passes through here.
show_in_notebooks()

_SOLVERS = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def upgrade_net(net: caffe_pb2.NetParameter, source: str = "net") -> list[str]:
    """Bring a NetParameter (a definition, or weights) to today's format, in place; returns notes.

    source : named in notes and errors. Raises PrototxtError where the old form contradicts itself.
    """
    return [
        *upgrade_v0(net, source),
        *upgrade_transformations(net, source),
        *upgrade_v1(net, source),
        *_upgrade_inputs(net, source),
        *_upgrade_batch_norm(net, source),
    ]


def upgrade_solver(solver: caffe_pb2.SolverParameter, source: str = "solver") -> list[str]:
    """Bring a SolverParameter and the nets in it to today's format, in place; returns notes."""
    notes = []
    if solver.HasField("solver_type"):
        if solver.HasField("type"):
            raise PrototxtError(f"{source}: both type and its old form solver_type are given; keep type")
        old = caffe_pb2.SolverParameter.SolverType.Name(solver.solver_type)
        solver.type = _SOLVERS[old]
        solver.ClearField("solver_type")
        notes.append(f'{source}: solver_type {old} became type "{solver.type}"')
    for name in ("net_param", "train_net_param"):
        if solver.HasField(name):
            notes += upgrade_net(getattr(solver, name), f"{source}: {name}")
    for index, net in enumerate(solver.test_net_param):
        notes += upgrade_net(net, f"{source}: test_net_param {index}")
    return notes


def _upgrade_inputs(net: Any, source: str) -> list[str]:
    """`input` with `input_shape` or `input_dim` becomes a first layer of type Input.

    Names without any shape, as some weights have them, are dropped.
    """
    names = list(net.input)
    if not names and not net.input_shape and not net.input_dim:
        return []
    shapes = _input_shapes(net, source)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    if not shapes:
        return [f"{source}: inputs without shapes dropped: {', '.join(names)}"]
    layer = caffe_pb2.LayerParameter(name="input", type="Input", top=names)
    for dims in shapes:
        layer.input_param.shape.add().dim.extend(dims)
    net.layer.insert(0, layer)
    return [f"{source}: the net's inputs ({', '.join(names)}) became a layer of type Input"]


def _input_shapes(net: Any, source: str) -> list[list[int]]:
    count = len(net.input)
    if net.input_shape and net.input_dim:
        raise PrototxtError(f"{source}: both input_shape and input_dim are given; keep input_shape")
    if net.input_shape:
        if len(net.input_shape) != count:
            raise PrototxtError(
                f"{source}: {count} input names need as many input_shape, found {len(net.input_shape)}"
            )
        return [list(shape.dim) for shape in net.input_shape]
    if net.input_dim and len(net.input_dim) != 4 * count:
        raise PrototxtError(
            f"{source}: {count} input names need {4 * count} input_dim (4 each), found {len(net.input_dim)}; "
            "input_shape takes any number of axes"
        )
    return [list(net.input_dim[first : first + 4]) for first in range(0, len(net.input_dim), 4)]


def _upgrade_batch_norm(net: Any, source: str) -> list[str]:
    """BatchNorm's three blobs are statistics: what their ParamSpecs say of learning becomes 0."""
    changed = []
    for layer in net.layer:
        if layer.type != "BatchNorm" or len(layer.param) != 3:
            continue
        if any(spec.lr_mult or spec.decay_mult for spec in layer.param):
            changed.append(layer.name)
        for spec in layer.param:
            spec.lr_mult = spec.decay_mult = 0
    if not changed:
        return []
    return [f"{source}: lr_mult and decay_mult of BatchNorm statistics set to 0 in {', '.join(changed)}"]
