"""What differs between two files of one kind: nets, solvers, weights, solver states, mean images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from owlkit import proto
from owlkit.core.errors import FileFormatError
from owlkit.inspection.blobs import named_blobs
from owlkit.inspection.files import kind_of
from owlkit.inspection.report import Report
from owlkit.io.mean import read_mean
from owlkit.io.solverstate import read_solverstate
from owlkit.io.stored import read_weights
from owlkit.net import tables

WIDTH = 28  # characters of a value before it goes on in the next line


@dataclass(frozen=True)
class Tolerance:
    """Numbers a and b are taken as equal where |a - b| <= absolute + relative * |b|."""

    absolute: float = 0.0
    relative: float = 0.0


def compare(a: str | Path, b: str | Path, tolerance: Tolerance | None = None) -> Report:
    """A report whose rows are the differences; none where there is none.

    Old formats are upgraded before they are compared. tolerance : for numbers in weights, states and means.
    Raises FileFormatError where the files are of different kinds, or sets.
    """
    kinds = kind_of(a), kind_of(b)
    if kinds[0] != kinds[1]:
        raise FileFormatError(
            f"{a} is of the kind {kinds[0]}, {b} of the kind {kinds[1]}: they cannot be compared"
        )
    if kinds[0] == "net":
        return _report(a, b, "net", _definitions(_net_entries(a), _net_entries(b)))
    if kinds[0] == "solver":
        entries = [dict(_fields("solver", proto.read_solver(path))) for path in (a, b)]
        return _report(a, b, "solver", _definitions(*entries))
    if kinds[0] == "set":
        raise FileFormatError(f"{a} and {b} are data sets; `owlkit inspect` shows what is in each")
    ours, theirs = _arrays(kinds[0], a), _arrays(kinds[0], b)
    return _report_numbers(a, b, kinds[0], ours, theirs, tolerance or Tolerance())


# -- definitions
def _net_entries(path: str | Path) -> dict[str, str]:
    """ "layer conv1: convolution_param.num_output" -> "20"."""
    net = proto.read_net(path)
    entries: dict[str, str] = {}
    seen: dict[str, int] = {}
    for layer in net.layer:
        # A name may stand twice: once per phase.
        seen[layer.name] = seen.get(layer.name, 0) + 1
        label = layer.name if seen[layer.name] == 1 else f"{layer.name} ({seen[layer.name]})"
        layer = type(layer).FromString(layer.SerializeToString())
        layer.ClearField("name")
        entries.update(_fields(label, layer))
    del net.layer[:]
    return {**dict(_fields("net", net)), **entries}


def _fields(prefix: str, message: Any) -> Iterator[tuple[str, str]]:
    """(place, value) of every field that is set, messages opened."""
    for described, value in message.ListFields():
        if described.name == "blobs":
            continue
        values = list(value) if described.is_repeated else [value]
        for index, each in enumerate(values):
            number = f"[{index}]" if described.is_repeated and len(values) > 1 else ""
            name = (
                f"{prefix}: {described.name}{number}"
                if ": " not in prefix
                else f"{prefix}.{described.name}{number}"
            )
            if described.message_type is not None:
                yield from _fields(name, each)
            else:
                yield name, _value(described, each)


def _value(described: Any, value: Any) -> str:
    if described.enum_type is not None:
        return str(described.enum_type.values_by_number[value].name)
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _definitions(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(place, in a, in b) of what differs; a layer that only one has is one row."""
    ours, theirs = ({name.partition(": ")[0] for name in entries} for entries in (a, b))
    rows: dict[str, tuple[str, str, str]] = {}
    for name in dict.fromkeys([*a, *b]):
        owner = name.partition(": ")[0]
        if owner not in theirs:
            rows[owner] = (owner, a.get(f"{owner}: type", "there"), "-")
        elif owner not in ours:
            rows[owner] = (owner, "-", b.get(f"{owner}: type", "there"))
        elif a.get(name) != b.get(name):
            rows[name] = (name, a.get(name, "-"), b.get(name, "-"))
    return list(rows.values())


def _report(a: Any, b: Any, kind: str, found: list[tuple[str, str, str]]) -> Report:
    rows = [(place, tables.wrapped(old, WIDTH), tables.wrapped(new, WIDTH)) for place, old, new in found]
    content = {
        "kind": kind,
        "equal": not found,
        "differences": [{"place": place, "a": old, "b": new} for place, old, new in found],
    }
    title = _title(a, b, kind, len(found))
    return Report(title, ("where", "a", "b"), rows, content=content)


def _title(a: Any, b: Any, kind: str, count: int) -> str:
    how = f"{count} difference{'s' * (count != 1)}" if count else "no difference"
    return f"a: {a}\nb: {b}\n{kind}: {how}"


# -- numbers
def _arrays(kind: str, path: str | Path) -> dict[str, np.ndarray]:
    if kind == "weights":
        return named_blobs(read_weights(path))
    if kind == "mean":
        return {"mean": read_mean(path)}
    state = read_solverstate(path)
    numbers = {"iter": np.array(state.iter), "current_step": np.array(state.current_step)}
    return {**numbers, **{f"history[{i}]": entry for i, entry in enumerate(state.history)}}


def _report_numbers(
    a: Any,
    b: Any,
    kind: str,
    ours: dict[str, np.ndarray],
    theirs: dict[str, np.ndarray],
    tolerance: Tolerance,
) -> Report:
    rows, entries = [], []
    for name in dict.fromkeys([*ours, *theirs]):
        entry = _difference(ours.get(name), theirs.get(name), tolerance)
        if entry is None:
            continue
        entries.append({"blob": name, **entry})
        largest, share = entry.get("largest"), entry.get("share")
        rows.append(
            (
                name,
                str(entry["a"] or "-"),
                str(entry["b"] or "-"),
                "" if largest is None else f"{largest:.3g}",
                "" if share is None else f"{100 * share:.3g} %",
            )
        )
    content = {"kind": kind, "equal": not rows, "blobs": len(ours), "differences": entries}
    header = ("blob", "shape in a", "shape in b", "largest difference", "values")
    return Report(_title(a, b, kind, len(rows)), header, rows, (3, 4), content=content)


def _difference(a: np.ndarray | None, b: np.ndarray | None, tolerance: Tolerance) -> dict[str, Any] | None:
    """None where equal; else shapes, and, of equal shapes, the largest difference and the share of values."""
    shapes = [None if array is None else tables.shape(_squeezed(array.shape)) for array in (a, b)]
    found: dict[str, Any] = {"a": shapes[0], "b": shapes[1]}
    if a is None or b is None or shapes[0] != shapes[1]:
        return found
    first, second = (np.asarray(array, np.float64).ravel() for array in (a, b))
    both_nan = np.isnan(first) & np.isnan(second)
    with np.errstate(invalid="ignore"):
        apart = np.where(first == second, 0.0, np.abs(first - second))
        differs = ~(apart <= tolerance.absolute + tolerance.relative * np.abs(second)) & ~both_nan
    if not differs.any():
        return None
    return {**found, "largest": float(np.max(apart[differs])), "share": float(differs.mean())}


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of length 1 in front: files of before 2014 pad every shape to four axes."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape
