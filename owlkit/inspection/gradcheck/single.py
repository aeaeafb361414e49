"""A layer of its own to check, from its definition alone: `check_gradients(L.TanH(), [(2, 3)])`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit import proto
from owlkit.inspection.gradcheck.probe import learns
from owlkit.net import Net
from owlkit.proto import caffe_pb2

if TYPE_CHECKING:
    from owlkit.layers.base import Layer

_OF_A_NET = (
    "bottoms are those of a single layer such as L.TanH(), itself without any; what the inputs of a net hold "
    "is given by inputs={name: array}"
)


def is_call(target: Any) -> bool:
    """Whether a target is what a call of `L` gives: a top, several, or a layer without."""
    first = target[0] if isinstance(target, tuple) and target else target
    return hasattr(first, "to_proto") and (hasattr(first, "fn") or hasattr(first, "type_name"))


def layer_of(target: Any, bottoms: Sequence[Any] | None, seed: int) -> Layer:
    """The layer, set up for bottoms of these shapes (tuples) or arrays. Learned blobs of zeros get noise.

    target : what a call of `L` without bottoms gives, or a definition of one layer without bottoms.
    Raises TypeError for anything else, and where `bottoms` is missing; NetError as a net of the layer.
    """
    cls = target if isinstance(target, type) else type(target)
    if cls is not Net and all(hasattr(cls, name) for name in ("reshape", "forward")):
        name = cls.__name__
        raise TypeError(f"{name}: decorate the class with @owlkit.layer and give L.{name}() in its place")
    if isinstance(target, Net):
        raise TypeError(_OF_A_NET)
    first = target[0] if isinstance(target, tuple) and target else target
    layers = proto.net_param(first).layer
    if len(layers) != 1 or layers[0].bottom:
        raise TypeError(_OF_A_NET)
    if bottoms is None:
        raise TypeError(
            f"{layers[0].type}: give an array or a shape for each bottom: check_gradients(layer, [(2, 3)])"
        )
    definition = caffe_pb2.NetParameter(name=layers[0].name, layer=layers)
    (layer,) = definition.layer
    for number, bottom in enumerate(bottoms):
        layer.bottom.append(f"bottom{number}")
        given = definition.layer.add(name=layer.bottom[-1], type="Input", top=[layer.bottom[-1]])
        given.input_param.shape.add(dim=bottom if isinstance(bottom, tuple) else np.shape(bottom))
    definition.layer.append(definition.layer.pop(0))  # after its inputs
    found: Layer = Net(definition, phase="train", seed=seed).layer_dict[layer.name]
    _fill(found, np.random.default_rng(seed))
    return found


def _fill(layer: Layer, rng: np.random.Generator) -> None:
    """Noise for learned blobs without a filler: with weights of 0, 0 is the bottom's gradient anyway."""
    for index, blob in enumerate(layer.blobs):
        if learns(layer, index) and not blob.data.any():
            blob.data[...] = rng.standard_normal(blob.shape)
