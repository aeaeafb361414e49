"""`L`, `P` and what they make: layers as functions of tops, parameters' constants.

conv1 = L.Convolution(data, kernel_size=5, num_output=20)     # a Top
data, label = L.Data(source="train_lmdb", ntop=2)             # as many tops as asked for
silence = L.Silence(label, ntop=0)                            # a layer without tops
P.Pooling.MAX                                                 # a constant of PoolingParameter
"""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any, NoReturn

from owlkit.core.conveniences import resolve
from owlkit.core.errors import closest
from owlkit.proto import caffe_pb2
from owlkit.spec.assign import assign, shown
from owlkit.spec.errors import SpecError, UnknownTypeError
from owlkit.spec.freezing import freeze
from owlkit.spec.types import (
    ELSEWHERE,
    LAYER,
    descriptor_of,
    known_types,
    messages_of,
    parameters_of,
    user_types,
)

# Ours, not the prototxt's.
_CONTROLS = ("ntop", "in_place")
# Fields of a source's own message that no longer have any effect there.
_MOVED = ("scale", "mean_file", "crop_size", "mirror")
_SOURCES = ("Data", "ImageData", "WindowData")


class Top:
    """The n-th output of a layer; what the next layer takes as its bottom."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """The net of this top and all that it needs, with made-up names."""
        return to_proto(self)

    def __iter__(self) -> NoReturn:
        raise SpecError(f"{self.fn.type_name} makes one top here; give ntop=2 to take two")

    def __repr__(self) -> str:
        return f"<top {self.n} of {self.fn!r}>"


class Function:
    """A layer: its type, the tops it takes, and its parameters as given.

    Raises SpecError at once where the type does not take them.
    """

    def __init__(self, type_name: str, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        self.type_name = type_name
        self.inputs: tuple[Top, ...] = tuple(_input(type_name, value) for value in inputs)
        self.params = params
        self.ntop = _count(type_name, params.get("ntop", 1))
        self.in_place = bool(params.get("in_place", False))
        if self.in_place and (len(inputs) != 1 or self.ntop != 1):
            raise SpecError(f"{type_name}: in_place needs exactly one bottom and one top")
        self.tops = tuple(Top(self, n) for n in range(self.ntop))
        self.frozen = False
        self.build()

    def build(self) -> caffe_pb2.LayerParameter:
        """The layer's parameters as a message, without bottoms, tops and made-up name."""
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for name, value in self.params.items():
            if name not in _CONTROLS:
                assign(self._owner(layer, name), name, value, self.type_name)
        if self.type_name == "Data" and not layer.data_param.HasField("backend"):
            # Unset it means LEVELDB to Caffe, which nobody writes any more and owlkit does not read.
            layer.data_param.backend = caffe_pb2.DataParameter.LMDB
        if self.frozen:
            freeze(layer, len(self.inputs))
        return layer

    def _owner(self, layer: caffe_pb2.LayerParameter, name: str) -> Any:
        """The message that has a parameter: one of the type's own before what every layer has."""
        if name in _MOVED and self.type_name in _SOURCES:
            raise SpecError(f"{self.type_name}: {name} belongs in transform_param=dict({name}=...)")
        for message in messages_of(self.type_name):
            if name in descriptor_of(message).fields_by_name:
                return getattr(layer, message)
        if name in LAYER.fields_by_name and name != "type":
            return layer
        raise SpecError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        own = [field.name for message, field in parameters_of(self.type_name) if message]
        if self.type_name in _SOURCES:
            own = [*(one for one in own if one not in _MOVED), "transform_param"]
        every = [field.name for message, field in parameters_of(self.type_name) if not message]
        near = closest(name, [*own, *_CONTROLS]) or closest(name, every)
        takes = f"; it takes {', '.join(own)}" if own and not near else ""
        if name == "shuffle" and self.type_name in _SOURCES:
            takes = "; records come in their order: shuffle them when the set is made (ImageData shuffles)"
        return f"{self.type_name} has no parameter '{name}'{near}{takes}"

    def to_proto(self) -> caffe_pb2.NetParameter:
        """The net of this layer and all that it needs, with made-up names."""
        return to_proto(self)

    def __repr__(self) -> str:
        return f"{self.type_name} layer"


class Emitter:
    """Writes layers in the order in which they are needed, each once, with names for all that have none.

    names : of tops, and of layers without tops.
    """

    def __init__(self, names: dict[Any, str] | None = None) -> None:
        self.layers: dict[Function, caffe_pb2.LayerParameter] = {}
        self._names = dict(names or {})
        self._taken = set(self._names.values())
        self._counts: Counter[str] = Counter()

    def add(self, item: Top | Function) -> None:
        """Write the layer behind a top, after all layers that it needs."""
        # Not recursive: deep nets go beyond Python's limit.
        stack = [item if isinstance(item, Function) else item.fn]
        while stack:
            fn = stack[-1]
            missing = [top.fn for top in fn.inputs if top.fn not in self.layers]
            if missing and fn not in self.layers:
                stack.append(missing[0])
                continue
            stack.pop()
            if fn not in self.layers:
                self.layers[fn] = self._write(fn)

    def _write(self, fn: Function) -> caffe_pb2.LayerParameter:
        layer = fn.build()
        bottoms = [self.layers[top.fn].top[top.n] for top in fn.inputs]
        layer.bottom.extend(bottoms)
        layer.top.extend(bottoms if fn.in_place else [self._name(top, fn) for top in fn.tops])
        if not layer.name:
            layer.name = self._name(fn.tops[0] if fn.tops else fn, fn)
        return layer

    def _name(self, item: Top | Function, fn: Function) -> str:
        """The name given by assignment, or the type with a number: Convolution1."""
        while item not in self._names:
            self._counts[fn.type_name] += 1
            made = f"{fn.type_name}{self._counts[fn.type_name]}"
            if made not in self._taken:
                self._names[item] = made
                self._taken.add(made)
        return self._names[item]


def to_proto(*tops: Top | Function) -> caffe_pb2.NetParameter:
    """The net of some tops and all that they need, with made-up names."""
    emitter = Emitter()
    for top in tops:
        emitter.add(top)
    return caffe_pb2.NetParameter(layer=emitter.layers.values())


def _count(type_name: str, ntop: Any) -> int:
    if not isinstance(ntop, int) or ntop < 0:
        raise SpecError(f"{type_name}: ntop must be a whole number from 0, found {ntop!r}")
    return ntop


def _input(type_name: str, value: Any) -> Top:
    if isinstance(value, Top):
        return value
    if isinstance(value, (tuple, list)) and all(isinstance(item, Top) for item in value):
        advice = f"; a layer gave {len(value)} tops: pass one of them, or all with a star before"
    elif isinstance(value, str):
        advice = f", such as n.{value or 'data'}, not its name"
    elif isinstance(value, (int, float)):
        advice = (
            f"; parameters go by name, as in L.{type_name}(bottom, {_first_parameter(type_name)}={value})"
        )
    else:
        advice = ""
    raise SpecError(f"{type_name}: bottoms are tops of other layers{advice}; found {shown(value)}")


def _first_parameter(type_name: str) -> str:
    """For an example."""
    return next((field.name for message, field in parameters_of(type_name) if message), "name")


class LayerType:
    # Makes layers of one type. `L.Pooling?` in a notebook shows the documentation of the type's class.

    def __init__(self, name: str) -> None:
        self.__name__ = name

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return _documentation(self.__name__)

    def __call__(self, *bottoms: Top, **params: Any) -> Any:
        fn = Function(self.__name__, bottoms, params)
        if fn.ntop == 0:
            return fn
        return fn.tops[0] if fn.ntop == 1 else fn.tops

    def __repr__(self) -> str:
        return f"L.{self.__name__}"


def _documentation(name: str) -> str:
    """What the class says of itself, and the parameters with their defaults."""
    cls = {**resolve("layers:LAYERS"), **user_types()}.get(name)
    lines = [f"{name} layer: L.{name}(bottom, ..., ntop=1, in_place=False, **parameters)", ""]
    if cls is not None and cls.__doc__:
        lines += [inspect.cleandoc(cls.__doc__), ""]
    own = [_with_default(field) for message, field in parameters_of(name) if message]
    every = [field.name for message, field in parameters_of(name) if not message]
    lines += ["Parameters and defaults: " + (", ".join(own) or "none of its own")]
    lines += ["And, as every layer: " + ", ".join(one for one in every if not one.endswith("_param"))]
    return "\n".join(lines)


def _with_default(field: Any) -> str:
    if field.is_repeated:
        return f"{field.name} (one or several)"
    if not field.has_default_value:
        return str(field.name)
    value = field.default_value
    if field.enum_type is not None:
        value = field.enum_type.values_by_number[value].name
    return f"{field.name} = {value:.6g}" if isinstance(value, float) else f"{field.name} = {value}"


class Layers:
    """`L.Type(bottom, ..., **parameters)` makes a layer of any known type and gives its tops."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        types = known_types()
        if name not in types:
            hint = f" (in Caffe it is {ELSEWHERE[name]!r})" if name in ELSEWHERE else closest(name, types)
            raise UnknownTypeError(f"no layer type is called '{name}'{hint}")
        return LayerType(name)

    def __dir__(self) -> list[str]:
        return sorted(known_types())


class Constants:
    """The constants of one parameter message: P.Pooling.MAX."""

    def __init__(self, message: Any, name: str) -> None:
        self._message = message
        self._label = name
        self._values = {v.name: v.number for enum in message.DESCRIPTOR.enum_types for v in enum.values}

    def __getattr__(self, name: str) -> int:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            has = ", ".join(self._values) or "none"
            near = closest(name, self._values)
            raise UnknownTypeError(f"P.{self._label} has no constant '{name}'{near}; it has {has}")
        return self._values[name]

    def __dir__(self) -> list[str]:
        return list(self._values)


class Parameters:
    """`P.Type.NAME`: the constants of a type's parameter message."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        messages = caffe_pb2.DESCRIPTOR.message_types_by_name
        found = next((one for one in (f"{name}Parameter", name) if one in messages), None)
        if found is None:
            raise UnknownTypeError(f"no parameters are called '{name}'{closest(name, dir(self))}")
        return Constants(getattr(caffe_pb2, found), name)

    def __dir__(self) -> list[str]:
        messages = caffe_pb2.DESCRIPTOR.message_types_by_name.values()
        return sorted(message.name.removesuffix("Parameter") for message in messages if message.enum_types)


L = Layers()
P = Parameters()
