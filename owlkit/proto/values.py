"""Turns the tokens of a value into what a field holds, or says why it cannot."""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from owlkit.core.errors import closest
from owlkit.proto import caffe_pb2
from owlkit.proto.escapes import unescape
from owlkit.proto.tokens import Source, Token
from owlkit.proto.upgrade_v1 import type_of

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
_BOOLS = {
    "true": True,
    "True": True,
    "t": True,
    "1": True,
    "false": False,
    "False": False,
    "f": False,
    "0": False,
}
_WORDS = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
_V1_TYPES = caffe_pb2.V1LayerParameter.LayerType.DESCRIPTOR.values_by_name
_MOST_DIGITS = 200  # of a number, for its own sake: converting more takes long, or fails
_FLOAT32_MAX = 3.4028234663852886e38


def type_name(field: FieldDescriptor) -> str:
    """What a field holds, in the schema's words: "uint32", "PoolMethod", "FillerParameter"."""
    nested = field.message_type or field.enum_type
    if nested is not None:
        return str(nested.name)
    if field.cpp_type in _INTEGERS:
        return _INTEGERS[field.cpp_type][0]
    names = {
        FieldDescriptor.CPPTYPE_FLOAT: "float",
        FieldDescriptor.CPPTYPE_DOUBLE: "double",
        FieldDescriptor.CPPTYPE_BOOL: "bool",
    }
    return names.get(field.cpp_type, "bytes" if field.type == FieldDescriptor.TYPE_BYTES else "string")


def scalar(source: Source, field: FieldDescriptor, tokens: list[Token]) -> Any:
    """The value of a field that is no message. tokens : one token, or several strings side by side."""
    token = tokens[0]
    if field.enum_type is not None:
        return _enum(source, field, field.enum_type, token)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _string(source, field, tokens)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if token.text not in _BOOLS:
            _wrong(source, field, token, "true or false")
        return _BOOLS[token.text]
    if field.cpp_type in _INTEGERS:
        return _integer(source, field, token)
    return _real(source, field, token)


def _full_name(field: FieldDescriptor) -> str:
    return str(field.full_name).partition(".")[2]


def _wrong(source: Source, field: FieldDescriptor, token: Token, needs: str, advice: str = "") -> NoReturn:
    source.fail(token.at, f"{_full_name(field)} needs {needs}, found {token}{advice}")


def _enum(source: Source, field: FieldDescriptor, enum: EnumDescriptor, token: Token) -> int:
    by_name = enum.values_by_name
    if token.kind == "name" and token.text in by_name:
        return int(by_name[token.text].number)
    if token.kind == "number" and token.text.isdigit() and int(token.text) in enum.values_by_number:
        return int(token.text)
    names = ", ".join(by_name) if len(by_name) < 10 else f"a {enum.name}"
    bare = token.text.strip("\"'")
    if token.kind == "string" and bare in by_name:
        _wrong(source, field, token, f"one of {names}", f" (write {bare}, without quotes)")
    near = closest(bare, by_name)
    if token.kind == "string" and field.full_name == "caffe.V1LayerParameter.type":
        near += f"; a type in quotes is today's: write layer {{ type: {token} }}, not layers"
    _wrong(source, field, token, f"one of {names}" if len(by_name) < 10 else names, near)


def _string(source: Source, field: FieldDescriptor, tokens: list[Token]) -> str | bytes:
    if tokens[0].kind != "string":
        advice = f" (write {_quoted(field, tokens[0])})" if tokens[0].kind in ("name", "number") else ""
        _wrong(source, field, tokens[0], "a string in quotes", advice)
    joined = b"".join(_bytes(source, token) for token in tokens)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return joined
    try:
        return joined.decode()
    except UnicodeDecodeError:
        source.fail(tokens[0].at, f"{_full_name(field)} is not UTF-8 text")


def _quoted(field: FieldDescriptor, token: Token) -> str:
    """What stands in quotes for a bare word, which may be a layer's type as files before May 2014 have it."""
    old = field.full_name == "caffe.LayerParameter.type" and _V1_TYPES.get(token.text)
    if not old:
        return f'"{token}"'
    return f'"{type_of(old.number)}"; {token} is for layers {{ }}, of before May 2014'


def _bytes(source: Source, token: Token) -> bytes:
    try:
        return unescape(token.text[1:-1])
    except ValueError as error:
        source.fail(token.at, f"this string has an unknown escape {error}; write a backslash as \\\\")


def _integer(source: Source, field: FieldDescriptor, token: Token) -> int:
    name, lowest, highest = _INTEGERS[field.cpp_type]
    text = re.sub(r"\s", "", token.text)
    if token.kind != "number" or not re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|\d+)", text):
        _wrong(source, field, token, f"a whole number ({name})")
    digits = text.lstrip("-")
    if len(digits) > _MOST_DIGITS:
        _wrong(source, field, token, f"a whole number from {lowest} to {highest} ({name})")
    octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
    if octal and set(digits) & set("89"):
        _wrong(source, field, token, f"a whole number ({name})", " (a leading 0 makes it octal)")
    value = int(digits, 8 if octal else 0) * (-1 if text[0] == "-" else 1)
    if not lowest <= value <= highest:
        _wrong(source, field, token, f"a whole number from {lowest} to {highest} ({name})")
    return value


def _real(source: Source, field: FieldDescriptor, token: Token) -> float:
    text = re.sub(r"\s", "", token.text)
    bare = text.lstrip("-").lower()
    if token.kind == "name" and bare in _WORDS:
        return -_WORDS[bare] if text[0] == "-" else _WORDS[bare]
    if token.kind != "number":
        _wrong(source, field, token, "a number")
    if len(text) > _MOST_DIGITS:
        _wrong(source, field, token, f"a number of at most {_MOST_DIGITS} digits")
    value = float(int(text, 16)) if "x" in bare else float(text.rstrip("fF"))
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT and abs(value) > _FLOAT32_MAX:
        _wrong(source, field, token, "a number that float32 can hold")
    return value
