"""How valid files are damaged: bytes, words of a text, fields of a message, nodes of a JSON document."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError

LARGEST = 1 << 16  # bytes: a longer file finds nothing that a short one does not
_EDGES = (
    0, 1, 2, 7, 8, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63,
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 2**64, 10**400, 1.5, -0.0, 1e308, float("inf"), float("nan"), "", "x",
    "\0", "²", "../..", [], {}, [[]], {"uint64": [1]}, {"uint64": ["x"]}, [None] * 5,
)  # fmt: skip
_WORDS = re.compile(rb"\s+|\w+|[^\w\s]")


def damage_bytes(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """One change of some bytes, blind to what they mean."""
    data = bytearray(content)
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((1, 1, 2, 4, 8, 16, 64, 1024)))
    match rng.randrange(9):
        case 0:
            return bytes(data[:at])
        case 1:
            del data[at:end]
        case 2:
            data[at:at] = data[at:end] * rng.choice((1, 2, 50))
        case 3:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))
        case 4 if at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        case 5:
            data[at:end] = rng.randbytes(end - at)
        case 6:
            width = rng.choice((1, 2, 4, 8))
            number = rng.choice(_EDGES) * rng.choice((1, -1)) % (1 << 8 * width)
            data[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
        case 7:
            other = rng.choice(others)
            data[at:] = other[rng.randrange(len(other) + 1) :]
        case _ if at < len(data):
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(data)


def damage_text(rng: random.Random, content: bytes, words: Sequence[bytes]) -> bytes:
    """Exchange, drop, repeat or swap words; `words` are what the format knows."""
    found = _WORDS.findall(content) or [b""]
    at = rng.randrange(len(found))
    match rng.randrange(6):
        case 0:
            found[at] = rng.choice(words)
        case 1:
            found.insert(at, rng.choice(words) + b" ")
        case 2:
            del found[at : at + rng.choice((1, 1, 3, 10))]
        case 3:
            found[at] *= min(rng.choice((2, 20, 5000)), 1 + LARGEST // max(len(found[at]), 1))
        case 4:
            other = rng.randrange(len(found))
            found[at], found[other] = found[other], found[at]
        case _:
            number = rng.choice(_EDGES) * rng.choice((1, -1))
            found[at] = rng.choice((b"%d", b"%d.5", b"0x%x", b"-%d", b"%de99", b"0%o")) % abs(number)
    return b"".join(found)


def damage_message(rng: random.Random, content: bytes, message_class: Any) -> bytes:
    """Set, clear or repeat a field somewhere in a message; what is no message comes back as it is."""
    try:
        message = message_class.FromString(content)
    except DecodeError:
        return content
    try:
        _change(rng, message)
        return bytes(message.SerializeToString())
    except (EncodeError, UnicodeDecodeError):  # bytes that are no text where one belongs: damaged before
        return content


def _change(rng: random.Random, message: Any) -> None:
    fields = list(message.DESCRIPTOR.fields)
    there = [field for field, _ in message.ListFields()]
    field = rng.choice(there if there and rng.random() < 0.8 else fields)
    value = getattr(message, field.name)
    if rng.random() < 0.1:
        message.ClearField(field.name)
    elif field.message_type is not None:
        inner = value if not field.is_repeated else rng.choice(value) if len(value) else value.add()
        if field.is_repeated and rng.random() < 0.1:
            value.add().CopyFrom(inner)
        else:
            _change(rng, inner)
    elif field.is_repeated:
        kept = list(value)
        at = rng.randrange(len(kept) + 1)
        kept[at : at + rng.randrange(2)] = [_scalar(rng, field)] * rng.choice((0, 1, 1, 1, 40))
        message.ClearField(field.name)
        getattr(message, field.name).extend(kept)
    else:
        setattr(message, field.name, _scalar(rng, field))


def _scalar(rng: random.Random, field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return rng.choice(field.enum_type.values).number
    bounds = {
        FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
        FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
        FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    }
    if field.cpp_type in bounds:
        low, high = bounds[field.cpp_type]
        return max(low, min(high, rng.choice(_EDGES) * rng.choice((1, -1))))
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return rng.randbytes(rng.choice((0, 1, 12, 100)))
        return rng.choice(("", "x", "conv", "ip1", "\0", "ä" * 500, "../../x", "."))
    return rng.choice((0.0, -1.0, 1e-45, 3e38, float("inf"), float("nan")))


def damage_json(rng: random.Random, content: bytes) -> bytes:
    """Replace or drop a node of a JSON document; what is none comes back as it is."""
    try:
        document = json.loads(content)
    except ValueError:
        return content
    node, parents = document, []
    while isinstance(node, dict | list) and node and (not parents or rng.random() < 0.85):
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        parents.append((node, key))
        node = node[key]
    if not parents:
        return json.dumps(rng.choice(_ODD_VALUES)).encode()
    node, key = parents[-1]
    if rng.random() < 0.2:
        del node[key]
    else:
        node[key] = rng.choice(_ODD_VALUES)
    return json.dumps(document).encode()


def mutate(rng: random.Random, seeds: Sequence[bytes], kind: Any, words: Sequence[bytes] = ()) -> bytes:
    """A damaged version of one of the seeds.

    kind : "bytes", "text", "json" or a message class: which changes are made besides those of bytes.
    """
    content = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if kind == "bytes" or rng.random() < 0.3:
            content = damage_bytes(rng, content, seeds)
        elif kind == "text":
            content = damage_text(rng, content, words)
        elif kind == "json":
            content = damage_json(rng, content)
        else:
            content = damage_message(rng, content, kind)
        content = content[:LARGEST]
    return content
