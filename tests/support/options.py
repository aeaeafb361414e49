"""Random definitions of one layer: its options drawn from the schema, its bottoms from a table of types.

What is drawn may be legal or not: a layer has to work with it, or refuse it with a message. Every value is
taken from a short list by a `Pick`, so that hypothesis, or a seeded generator, can choose.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

from owlkit.layers import LAYERS
from owlkit.proto import caffe_pb2
from tests.support.kinds import KINDS, Kind, Shape

Pick = Callable[[Sequence[Any]], Any]

#: How many fields are set beside those that are always set.
MORE = (0, 1, 1, 2, 2, 3)
WHOLE = {FieldDescriptor.TYPE_INT32: (-2, -1, 0, 1, 2, 3), FieldDescriptor.TYPE_UINT32: (0, 1, 2, 3)}
REAL = (-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0)
FILLERS = (
    {"type": "gaussian", "std": 0.7},
    {"type": "uniform", "min": -1.0, "max": 0.5},
    {"type": "xavier"},
    {"type": "constant", "value": 0.3},
)
DIMS = ((0, -1), (0, 0, -1), (-1,), (2, -1, 2), (6, 4), ())


class Picks:
    """A `Pick` by a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, values: Sequence[Any]) -> Any:
        return values[self._random.randrange(len(values))]


@dataclass
class Definition:
    """A layer `l` with its bottoms b0, b1, ... and their values."""

    net: Any
    inputs: dict[str, np.ndarray]
    phase: str

    @property
    def layer(self) -> Any:
        return self.net.layer[-1]

    def __repr__(self) -> str:
        shapes = {name: array.shape for name, array in self.inputs.items()}
        return f"{self.phase}, {shapes}\n{self.layer}"


def draw(type_: str, pick: Pick, wanted: str = "") -> Definition:
    """Any definition of a layer of that type; `wanted` is a field that it has to set."""
    kind = KINDS[type_]
    net = caffe_pb2.NetParameter(force_backward=True)
    inputs = {}
    for index, bottom in enumerate(pick(kind.bottoms)):
        shape, values = bottom if bottom and isinstance(bottom[0], tuple) else (bottom, "")
        name = f"b{index}"
        inputs[name] = _values(shape, values, np.random.default_rng([index, pick(range(8))]))
        source = net.layer.add(name=name, type="Input", top=[name])
        source.input_param.shape.add(dim=shape)
    layer = net.layer.add(name="l", type=type_, bottom=list(inputs))
    layer.top.extend(f"t{k}" for k in range(pick(kind.tops)))
    if inputs and layer.top and pick((True, *[False] * (2 if LAYERS[type_].in_place else 15))):
        layer.top[0] = "b0"  # in place, which most types refuse
    for message in kind.params:
        _options(getattr(layer, message), kind, pick, wanted)
    return Definition(net, inputs, pick(("TRAIN", "TEST")).lower())


def _options(message: Any, kind: Kind, pick: Pick, wanted: str) -> None:
    fields = dict(message.DESCRIPTOR.fields_by_name)
    chosen = [name for name in kind.always if name in fields and pick((True,) * 7 + (False,))]
    chosen += [pick(list(fields)) for _ in range(pick(MORE))] + [wanted] * (wanted in fields)
    if pick((True,) * 7 + (False,)):
        chosen = _in_pairs(chosen)
    for name in dict.fromkeys(chosen):
        set_option(message, fields[name], kind, pick)


def _in_pairs(names: Sequence[str]) -> list[str]:
    """pad_h with pad_w, and without pad, which contradicts them."""
    stems = {name[:-2] for name in names if name.endswith(("_h", "_w"))}
    kept = [name for name in names if name.removesuffix("_size") not in stems]
    return kept + [f"{stem}_{side}" for stem in sorted(stems) for side in "hw"]


def set_option(message: Any, found: FieldDescriptor, kind: Kind, pick: Pick) -> None:
    """Give one field a value: one of the table's, or whatever its type allows."""
    value = pick(kind.options[found.name]) if found.name in kind.options else _any_value(found, pick)
    if found.message_type is not None and found.message_type.name == "BlobShape":
        _set_shape(message, found, value)
    elif found.message_type is not None:
        target = getattr(message, found.name)
        (target.add() if found.is_repeated else target).MergeFrom(caffe_pb2.FillerParameter(**value))
    elif found.is_repeated:
        message.ClearField(found.name)
        getattr(message, found.name).extend(value if isinstance(value, tuple) else (value,))
    else:
        setattr(message, found.name, value)


def _set_shape(message: Any, found: FieldDescriptor, dims: Shape) -> None:
    target = getattr(message, found.name)
    (target.add() if found.is_repeated else target).dim.extend(dims)


def _any_value(found: FieldDescriptor, pick: Pick) -> Any:
    if found.message_type is not None:
        return pick(DIMS if found.message_type.name == "BlobShape" else FILLERS)
    if found.enum_type is not None:
        return pick([value.number for value in found.enum_type.values])
    if found.type == FieldDescriptor.TYPE_BOOL:
        return pick((True, False))
    return pick(WHOLE.get(found.type, REAL))


def _values(shape: Shape, what: str, rng: np.random.Generator) -> np.ndarray:
    kind, _, number = what.partition(" ")
    if kind in ("labels", "below"):
        return rng.integers(0, int(number), shape).astype("float64")
    if kind == "flags":
        return (rng.random(shape) < 0.7).astype("float64")
    if kind == "ones":
        return np.ones(shape)
    if kind in ("positive", "unit"):
        return rng.uniform(0.2, 0.95, shape)
    return rng.standard_normal(shape)
