"""What a layer class says of itself: the parts of its docstring, by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from owlkit.layers import LAYERS
from owlkit.spec.types import descriptor_of, messages_of

_BLOB = re.compile(r"(bottom|top|blobs)\b(.*?) : (.*)", re.DOTALL)
_PART = re.compile(r"(Formula|Gradient|Attributes|Source): (.*)", re.DOTALL)
_PARAMETERS = re.compile(r"Parameters(?: \((\w+)\))?:(.*)", re.DOTALL)
_CASE = re.compile(r"[A-Z_]{2,}[^:=]*: ")  # a line of its own within a formula, "MAX: y = ..."
_REQUIRED = ("Formula", "Gradient", "Source")


class DocumentationError(Exception):
    """A class leaves something out, or documents a parameter that its type does not have."""


@dataclass
class Documentation:
    """The parts of a docstring.

    blobs : (name, what it is): ("bottom 0", "x, (N, C, H, W).").
    parts : of Formula, Gradient, Attributes, Source.
    parameters : message -> parameter -> meaning. notes : paragraphs.
    """

    type: str
    summary: str
    blobs: list[tuple[str, str]] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(layer_type: str, text: str | None = None) -> Documentation:
    """The documentation of a layer type, from its class (or from `text`).

    Raises DocumentationError where it lacks a part, or its parameters are not those of the schema.
    """
    text = inspect.cleandoc(text if text is not None else LAYERS[layer_type].__doc__ or "")
    summary, _, rest = text.partition("\n\n")
    found = Documentation(layer_type, " ".join(summary.split()))
    for paragraph in rest.split("\n\n"):
        for item in _items(paragraph):
            _take(found, item)
    _check(found)
    return found


def _items(paragraph: str) -> Iterator[str]:
    """Lines that are not indented, each with the indented ones after it; text without labels as a whole."""
    if not any(pattern.match(paragraph) for pattern in (_BLOB, _PART, _PARAMETERS)):
        yield " ".join(paragraph.split())
        return
    item: list[str] = []
    for line in paragraph.split("\n"):
        if item and not line.startswith(" "):
            yield "\n".join(item)
            item = []
        item.append(line)
    yield "\n".join(item)


def _take(found: Documentation, item: str) -> None:
    if match := _PARAMETERS.fullmatch(item):
        if match[1]:
            found.parameters[match[1]] = dict(_meanings(match[2]))
    elif match := _BLOB.fullmatch(item):
        found.blobs.append((match[1] + match[2], " ".join(match[3].split())))
    elif match := _PART.fullmatch(item):
        found.parts[match[1]] = _joined(match[2])
    elif item:
        found.notes.append(" ".join(item.split()))


def _joined(text: str) -> str:
    """Wrapped lines made one; cases of a formula stay on lines of their own."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and not _CASE.match(line.strip()):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    return "\n".join(lines)


def _meanings(text: str) -> Iterator[tuple[str, str]]:
    """(parameter, meaning) for each name of `name, other : meaning`."""
    for entry in re.split(r"\n    (?! )", text):
        names, colon, meaning = entry.partition(" : ")
        if colon:
            for name in names.split(","):
                yield name.strip(), " ".join(meaning.split())


def _check(found: Documentation) -> None:
    missing = [name for name in _REQUIRED if name not in found.parts]
    if missing or not found.blobs:
        raise DocumentationError(f"{found.type}: its docstring lacks {', '.join(missing) or 'its blobs'}")
    for message in {*messages_of(found.type), *found.parameters}:
        known = {parameter.name for parameter in descriptor_of(message).fields}
        told = set(found.parameters.get(message, ()))
        if told != known:
            raise DocumentationError(
                f"{found.type}: {message} is documented without {sorted(known - told)} and with "
                f"{sorted(told - known)}, which it does not have"
            )
