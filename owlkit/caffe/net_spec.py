"""pycaffe's net_spec: nets written in Python. The classes are owlkit's own, in `owlkit.spec`.

    from caffe import layers as L, params as P
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 224, 224]))
    n.conv1 = L.Convolution(n.data, kernel_size=7, num_output=64)
    open("net.prototxt", "w").write(str(n.to_proto()))

Unlike pycaffe's, they refuse an unknown layer type or parameter in the call.
"""

from __future__ import annotations

from typing import Any

from owlkit.proto import caffe_pb2 as caffe_pb2
from owlkit.spec import Function, NetSpec, Top, to_proto
from owlkit.spec import L as layers
from owlkit.spec import P as params
from owlkit.spec.assign import assign
from owlkit.spec.layers import Layers, Parameters
from owlkit.spec.types import LAYER

__all__ = [
    "Function",
    "Layers",
    "NetSpec",
    "Parameters",
    "Top",
    "assign_proto",
    "layers",
    "param_name_dict",
    "params",
    "to_proto",
]


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set or extend a field of a message from Python values: dicts for messages, lists for repeated fields.

    Raises SpecError where the message has no such field or the value does not fit.
    """
    assign(proto, name, val, type(proto).__name__)


def param_name_dict() -> dict[str, str]:
    """Name of a parameter message without "Parameter" -> its field in a layer without "_param"."""
    fields = ((field.message_type, field.name) for field in LAYER.fields if field.name.endswith("_param"))
    return {kind.name.removesuffix("Parameter"): name.removesuffix("_param") for kind, name in fields if kind}
