"""Caffe's text format: prototxt to messages and back.

The parser is our own because of what it can say: where the mistake is (file, line, column), which message has
which fields, the closest name, and where the brace that is still open was opened.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from owlkit.core.errors import MissingFileError, PrototxtError, closest
from owlkit.proto import caffe_pb2
from owlkit.proto.tokens import Source, Token
from owlkit.proto.values import scalar, type_name

M = TypeVar("M", bound=Message)

_CLOSING = {"{": "}", "<": ">"}
_MANY = 12  # fields: a longer list helps nobody
_MOVED = {  # fields of V1's layers that are written otherwise today
    "blobs_lr": "param { lr_mult: 1 }, one for each learned blob",
    "weight_decay": "param { decay_mult: 1 }, one for each learned blob",
    "blob_share_mode": "param { share_mode: STRICT }",
}


def parse(text: str, message_class: type[M], source: str = "<string>") -> M:
    """The message that a prototxt describes. source : name of the file, for errors.

    Raises PrototxtError `source:line:column: what was found, what is allowed`.
    """
    message = message_class()
    _Parser(Source(text, source)).message(message)
    return message


def read(path: str | Path, message_class: type[M]) -> M:
    """The message in a text file.

    Raises PrototxtError for what is no prototxt, MissingFileError for no file, OSError else.
    """
    if "{" in str(path):
        raise PrototxtError(
            "a prototxt itself was given where the name of its file is expected: write it to a file, or give "
            f"owlkit.proto.text.parse(text, owlkit.proto.caffe_pb2.{message_class.DESCRIPTOR.name})"
        )
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a prototxt{_within(path)}")
    if not path.is_file():
        near = closest(path.name, (entry.name for entry in path.parent.glob("*")))
        raise MissingFileError(f"no file {path}{near}")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise PrototxtError(
            f"{path}: expected prototxt, found a binary file "
            "(weights and solver states are binary; the definition of a net is text)"
        )
    return parse(text, message_class, str(path))


def _within(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.glob("*.prototxt"))[:5]
    return f"; it holds {', '.join(names)}" if names else ""


def format(message: Message) -> str:
    """The prototxt of a message; numbers that float32 holds are printed in their shortest form (0.01)."""
    from google.protobuf import text_format

    return text_format.MessageToString(message, as_utf8=True)


@dataclasses.dataclass
class _Open:
    """A message being read. at : where it was opened. seen : its single fields, and where they stood."""

    message: Any
    name: str
    at: int
    closing: str
    seen: dict[str, int] = dataclasses.field(default_factory=dict)


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = source.tokens()
        self._next = 0
        self._open: list[_Open] = []

    def message(self, message: Message, name: str = "", at: int = 0, closing: str = "") -> None:
        """Fill a message from the fields up to its closing mark (the end of the file for the outermost)."""
        frame = _Open(message, name, at, closing)
        self._open.append(frame)
        while not self._closes(frame):
            self._field(frame)
        for required in _required(message.DESCRIPTOR):
            if not message.HasField(required):
                self._fail(self._tokens[self._next - 1], f"{message.DESCRIPTOR.name} needs '{required}'")
        self._open.pop()

    def _closes(self, frame: _Open) -> bool:
        token = self._tokens[self._next]
        if token.kind == "end":
            if frame.closing:
                self._source.fail(token.at, f"file ends inside {self._where()}: '{frame.closing}' is missing")
            return True
        if token.kind == "mark" and token.text in "}>":
            if not frame.closing:
                self._source.fail(token.at, f"{token.text!r} closes nothing: there is one too many")
            if token.text != frame.closing:
                self._source.fail(
                    token.at, f"expected {frame.closing!r} to close {self._where()}, found {token}"
                )
            self._next += 1
            return True
        return False

    def _field(self, frame: _Open) -> None:
        token = self._take()
        if token.kind != "name" or token.text.startswith("-"):
            self._fail(
                token, f"expected the name of a field of {frame.message.DESCRIPTOR.name}, found {token}"
            )
        field = frame.message.DESCRIPTOR.fields_by_name.get(token.text)
        if field is None:
            self._unknown(frame, token)
        if not field.is_repeated:
            if field.name in frame.seen:
                line = self._source.line(frame.seen[field.name])
                self._fail(token, f"'{field.name}' is given twice, first at line {line}; it holds one value")
            frame.seen[field.name] = token.at
        if field.message_type is not None:
            self._messages(frame, field, token)
        else:
            self._scalars(frame, field, token)
        if self._peek() in (",", ";"):
            self._next += 1

    def _messages(self, frame: _Open, field: FieldDescriptor, name: Token) -> None:
        if self._peek() == ":":
            self._next += 1
        listed = field.is_repeated and self._peek() == "["
        if listed:
            self._next += 1
        while not (listed and self._peek() == "]"):
            opening = self._take()
            if opening.text not in _CLOSING or opening.kind != "mark":
                self._fail(
                    opening,
                    f"'{field.name}' is a {type_name(field)}: write {field.name} {{ ... }}, found {opening}",
                )
            if field.is_repeated:
                inner = getattr(frame.message, field.name).add()
            else:
                inner = getattr(frame.message, field.name)
                inner.SetInParent()
            self.message(inner, field.name, name.at, _CLOSING[opening.text])
            if not listed:
                return
            self._comma()
        self._next += 1

    def _scalars(self, frame: _Open, field: FieldDescriptor, name: Token) -> None:
        mark = self._take()
        if mark.text in _CLOSING and mark.kind == "mark":
            self._fail(mark, f"'{field.name}' is a {type_name(field)}: write {field.name}: VALUE")
        if mark.text != ":":
            self._fail(mark, f"expected ':' after '{field.name}', found {mark}")
        if not field.is_repeated:
            setattr(frame.message, field.name, self._value(field))
            return
        values = getattr(frame.message, field.name)
        if self._peek() != "[":
            values.append(self._value(field))
            return
        self._next += 1
        while self._peek() != "]":
            values.append(self._value(field))
            self._comma()
        self._next += 1

    def _comma(self) -> None:
        """Between the elements of a list."""
        token = self._tokens[self._next]
        if token.text == ",":
            self._next += 1
        elif token.text != "]":
            self._fail(token, f"expected ',' or ']' in a list, found {token}")

    def _value(self, field: FieldDescriptor) -> Any:
        tokens = [self._take()]
        if tokens[0].kind in ("mark", "end"):
            self._fail(
                tokens[0], f"'{field.name}' has no value: expected a {type_name(field)}, found {tokens[0]}"
            )
        # Strings side by side are one string.
        while tokens[0].kind == "string" and self._tokens[self._next].kind == "string":
            tokens.append(self._take())
        try:
            return scalar(self._source, field, tokens)
        except PrototxtError as error:
            raise self._with_layer(error) from None

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind == "end":
            where = f" inside {self._where()}" if len(self._open) > 1 else " too early"
            self._source.fail(token.at, f"file ends{where}")
        self._next += 1
        return token

    def _peek(self) -> str:
        token = self._tokens[self._next]
        return token.text if token.kind == "mark" else ""

    def _where(self) -> str:
        """The open messages, innermost first: "pooling_param, in layer 'pool1' opened at line 12"."""
        told = []
        for frame in reversed(self._open[1:]):
            name = getattr(frame.message, "name", "")
            named = f"{frame.name} '{name}'" if isinstance(name, str) and name else frame.name
            told.append(f"{named} opened at line {self._source.line(frame.at)}")
        return ", in ".join(told)

    def _layer(self) -> str:
        named = [frame for frame in self._open[1:] if frame.name in ("layer", "layers")]
        return f" [layer '{named[-1].message.name}']" if named and named[-1].message.name else ""

    def _fail(self, token: Token, message: str) -> NoReturn:
        self._source.fail(token.at, message + self._layer())

    def _with_layer(self, error: PrototxtError) -> PrototxtError:
        message, _, excerpt = str(error).partition("\n")
        return PrototxtError(f"{message}{self._layer()}" + (f"\n{excerpt}" if excerpt else ""))

    def _unknown(self, frame: _Open, token: Token) -> NoReturn:
        descriptor = frame.message.DESCRIPTOR
        found = f"{descriptor.name} has no field '{token.text}'"
        outer = [other for other in self._open[:-1] if token.text in other.message.DESCRIPTOR.fields_by_name]
        near = closest(token.text, descriptor.fields_by_name)
        if outer:
            found += f" but {outer[-1].message.DESCRIPTOR.name} has: is {self._where()} closed?"
        elif descriptor.name == "LayerParameter" and token.text in _MOVED:
            found += f", as layers {{ }} of before May 2014 had: write {_MOVED[token.text]}"
            near = ""
        elif token.text in _owners():
            found += f"; it is a field of {', '.join(_owners()[token.text])}"
        elif not near and len(descriptor.fields) <= _MANY:
            found += f"; it has {', '.join(descriptor.fields_by_name)}"
        self._fail(token, found + ("" if outer else near))


@cache
def _required(descriptor: Descriptor) -> tuple[str, ...]:
    return tuple(field.name for field in descriptor.fields if field.is_required)


@cache
def _owners() -> dict[str, list[str]]:
    """The messages that have a field of that name; old formats are told of only where nothing else has it."""
    owners: dict[str, list[str]] = {}
    for message in caffe_pb2.DESCRIPTOR.message_types_by_name.values():
        for name in message.fields_by_name:
            owners.setdefault(name, []).append(message.name)
    for name, having in owners.items():
        owners[name] = [one for one in having if not one.startswith(("V0", "V1"))] or having
    return owners
