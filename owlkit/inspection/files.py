"""Any of Caffe's or owlkit's files: what it is, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from owlkit.core.errors import FileFormatError, PrototxtError
from owlkit.inspection.report import Report
from owlkit.io import hdf5_snapshots
from owlkit.io.files import read_bytes
from owlkit.io.hdf5 import open_hdf5
from owlkit.io.recognise import recognise

_PHRASES = {
    "a solverstate": "state",
    "a caffemodel": "weights",
    "a safetensors": "weights",
    "a single blob": "mean",
    "text": "text",
}


def kind_of(path: str | Path) -> str:
    """ "net", "solver", "weights", "state", "mean" or "set", found from the content, not from the name.

    Raises DataError where there is no such file, FileFormatError where it is none of these, PrototxtError
    for a text that is neither a net nor a solver.
    """
    path = Path(path)
    if path.is_dir() or path.name == "data.mdb":
        return "set"
    content = read_bytes(path, "file")
    phrase = recognise(content)
    if hdf5_snapshots.recognises(content):
        with open_hdf5(path) as file:
            phrase = hdf5_snapshots.describe(file)
    for start, kind in _PHRASES.items():
        if phrase.startswith(start):
            return _kind_of_text(path) if kind == "text" else kind
    # What cuts a file short is best explained by the reader that its name asks for.
    for suffix, kind in ((".caffemodel", "weights"), (".solverstate", "state"), (".prototxt", "text")):
        if path.suffix == suffix:
            return _kind_of_text(path) if kind == "text" else kind
    raise FileFormatError(f"{path} is {phrase}: nothing that can be shown")


def _kind_of_text(path: Path) -> str:
    """Whether a prototxt is a net or a solver; the error of whichever came further if neither."""
    from owlkit import proto

    try:
        proto.read_net(path)
        return "net"
    except PrototxtError as net_error:
        try:
            proto.read_solver(path)
            return "solver"
        except PrototxtError as solver_error:
            raise (net_error if _line(net_error) >= _line(solver_error) else solver_error) from None


def _line(error: PrototxtError) -> tuple[int, ...]:
    """How far the reader came: line and column of an error `file:line:column: ...`."""
    head = str(error).split(": ", 1)[0].split(":")
    return tuple(int(part) for part in head[1:] if part.isdigit())


def inspect_file(
    path: str | Path,
    *,
    phase: str = "test",
    level: int = 0,
    stages: Sequence[str] = (),
    on_record: Callable[[int], None] = lambda total: None,
) -> Report:
    """A report on a file. Raises as `kind_of`, and as the reader of the kind.

    phase, level, stages : select the layers of a net. on_record : of a set, see `inspect_set`.
    """
    from owlkit.inspection import blobs, definitions, sets

    kind = kind_of(path)
    if kind == "net":
        return definitions.inspect_net(path, phase=phase, level=level, stages=stages)
    if kind == "set":
        return sets.inspect_set(path, on_record)
    readers: dict[str, Any] = {
        "solver": definitions.inspect_solver,
        "weights": blobs.inspect_weights,
        "state": blobs.inspect_state,
        "mean": blobs.inspect_mean,
    }
    report: Report = readers[kind](path)
    return report
