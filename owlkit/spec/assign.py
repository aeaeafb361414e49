"""Python values into fields of messages: dicts for messages, lists for repeated fields, names for enums."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from owlkit.core.errors import closest
from owlkit.spec.errors import SpecError
from owlkit.spec.types import FILLER_TYPES, FILLERS_ELSEWHERE

SHOWN = 200
"""Characters of a wrong value that an error shows."""
_REAL = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def assign(message: Any, name: str, value: Any, where: str) -> None:
    """Set or extend a field of a message.

    value : a scalar, a string or number for an enum, a dict or message for a message, where a filler may be
        its type alone ("xavier") and a shape the list of its axes; a list, tuple or array of these for a
        repeated field, where a single value stands for a list of one.
    where : what is being written ("Convolution"), for errors. Raises SpecError.
    """
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        fields = message.DESCRIPTOR.fields_by_name
        near = closest(name, fields) or f"; it has {', '.join(fields)}"
        raise SpecError(f"{where}: {message.DESCRIPTOR.name} has no field '{name}'{near}")
    where = f"{where}: {name}"
    if not field.is_repeated:
        _assign_one(message, field, value, where)
        return
    for item in [value] if _is_shape(field, value) else _items(value):
        if field.message_type is not None:
            _fill(getattr(message, name).add(), item, where)
        else:
            getattr(message, name).append(_scalar(field, item, where))


def _is_shape(field: FieldDescriptor, value: Any) -> bool:
    """Whether numbers are given where shapes are wanted: the axes of one shape. None at all are no shapes."""
    of_shapes = field.message_type is not None and field.message_type.name == "BlobShape"
    return of_shapes and _is_axes(value) and len(value) > 0


def _is_axes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, numbers.Integral) for item in value)


def _items(value: Any) -> Iterable[Any]:
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers, without importing NumPy
        value = value.tolist()
    if isinstance(value, (str, bytes, Mapping, Message)) or not isinstance(value, Iterable):
        return [value]
    return value


def _assign_one(message: Any, field: FieldDescriptor, value: Any, where: str) -> None:
    if field.message_type is not None:
        target = getattr(message, field.name)
        target.SetInParent()
        _fill(target, value, where)
        return
    try:
        setattr(message, field.name, _scalar(field, value, where))
    except SpecError:
        raise  # it is a ValueError too, and says all
    except ValueError as error:
        told = shown(value) + (f": {error}" if len(str(error)) <= SHOWN else "")
        raise SpecError(f"{where} cannot be {told}") from None


def _fill(target: Any, value: Any, where: str) -> None:
    kind = target.DESCRIPTOR
    if kind.name == "FillerParameter" and isinstance(value, str):
        value = {"type": value}
    elif kind.name == "BlobShape" and _is_axes(value):
        value = {"dim": value}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            assign(target, name, inner, where)
        if kind.name == "FillerParameter" and target.type not in FILLER_TYPES:
            _wrong(
                where,
                f"of a type in {', '.join(FILLER_TYPES)}",
                target.type,
                _other_name(target.type) or closest(target.type, FILLER_TYPES),
            )
    elif isinstance(value, Message) and value.DESCRIPTOR.full_name == kind.full_name:
        target.MergeFromString(value.SerializeToString())
    else:
        raise SpecError(
            f"{where} is a {kind.name}: give a dict such as dict({kind.fields[0].name}=...), "
            f"found {shown(value)}"
        )


def _other_name(filler: str) -> str:
    caffe = FILLERS_ELSEWHERE.get(filler.lower(), "")
    return f" (in Caffe it is {caffe!r})" if caffe else ""


def _scalar(field: FieldDescriptor, value: Any, where: str) -> Any:
    if hasattr(value, "tolist") and getattr(value, "size", 1) == 1:
        value = value.tolist()  # an array of more is no scalar, and would take long to write out
    if field.enum_type is not None:
        return _enum(field.enum_type, value, where)
    if field.type == FieldDescriptor.TYPE_STRING:
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        arrays = "; owlkit.datasets.from_arrays makes a set of arrays" if field.name == "source" else ""
        _wrong(where, "a string", value, arrays if hasattr(value, "shape") else "")
    if field.type == FieldDescriptor.TYPE_BYTES:
        return value if isinstance(value, bytes) else _wrong(where, "bytes", value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return bool(value) if isinstance(value, (bool, int)) else _wrong(where, "True or False", value)
    if field.cpp_type in _REAL:
        return float(value) if isinstance(value, (int, float)) else _wrong(where, "a number", value)
    unsigned = field.cpp_type in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
    if not isinstance(value, int) or (unsigned and value < 0):
        _wrong(where, "a whole number from 0" if unsigned else "a whole number", value)
    return value


def _enum(enum: EnumDescriptor, value: Any, where: str) -> int:
    names = enum.values_by_name
    if isinstance(value, str) and value.upper() in names:
        return int(names[value.upper()].number)
    if isinstance(value, int) and value in enum.values_by_number:
        return value
    near = closest(value, names) if isinstance(value, str) else ""
    _wrong(where, f"one of {', '.join(names)}", value, near)


def _wrong(where: str, needs: str, value: Any, near: str = "") -> NoReturn:
    raise SpecError(f"{where} must be {needs}, found {shown(value)}{near}")


def shown(value: Any) -> str:
    """A value for an error: an array by its shape, anything long cut."""
    if hasattr(value, "tolist") and getattr(value, "size", 1) > 1:
        return f"an array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
