"""Nets written in Python: `NetSpec`, layers as `L`, their constants as `P`; prototxt comes out.

Parameters are found by reflection in Caffe's schema, so every parameter of every type can be given by name,
and a name or value that a type does not take is refused in the call. Nothing here knows of arrays or devices.
"""

from owlkit.spec.errors import SpecError, UnknownTypeError
from owlkit.spec.layers import Function, L, P, Top, to_proto
from owlkit.spec.netspec import NetSpec
from owlkit.spec.types import LAYER_TYPES, known_types

__all__ = [
    "LAYER_TYPES",
    "Function",
    "L",
    "NetSpec",
    "P",
    "SpecError",
    "Top",
    "UnknownTypeError",
    "known_types",
    "to_proto",
]
