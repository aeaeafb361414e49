"""Solver states: Caffe's binary SolverState, and beside it, in `<state>.owl`, what Caffe does not save."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.io.blobproto import array_to_proto, proto_to_array
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.recognise import parse_binary, recognise
from owlkit.proto import caffe_pb2

_FORMAT, _VERSION = "owlkit solver sidecar", 1


@dataclass
class SolverStateData:
    """What a solver needs to go on.

    iter : number of updates done.
    learned_net : path of the weights written with it, as stored; "" where none.
    current_step : steps of the "multistep" and "plateau" policies done so far.
    history : one array per entry, in Caffe's order (Adam, AdaDelta: all first, then all second moments).
    """

    iter: int
    learned_net: str = ""
    current_step: int = 0
    history: list[np.ndarray] = field(default_factory=list)


def read_solverstate(path: str | Path) -> SolverStateData:
    """Read a binary solverstate.

    Raises DataError where the file is missing, FileFormatError where it is something else (and says what).
    """
    content = read_bytes(path, "solverstate")
    state = parse_binary(content, caffe_pb2.SolverState)
    if state is None or not state.HasField("iter"):
        raise FileFormatError(f"{path} is not a solverstate: it is {recognise(content)}")
    history = [proto_to_array(h, f"{path}: history[{i}]") for i, h in enumerate(state.history)]
    return SolverStateData(state.iter, state.learned_net, state.current_step, history)


def write_solverstate(path: str | Path, data: SolverStateData) -> None:
    """Write a solverstate that Caffe reads as well, atomically."""
    state = caffe_pb2.SolverState(iter=data.iter, current_step=data.current_step)
    if data.learned_net:
        state.learned_net = str(data.learned_net)
    for entry in data.history:
        state.history.append(array_to_proto(entry))
    write_bytes(path, state.SerializeToString())


def sidecar_path(path: str | Path) -> Path:
    """`<state>.owl` for a solverstate."""
    return Path(f"{path}.owl")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a solver sidecar cannot hold a {type(value).__name__}")


def write_sidecar(path: str | Path, iteration: int, content: dict[str, Any]) -> Path:
    """Write the sidecar of the solverstate `path`; write it before the solverstate itself.

    content : JSON-able values; NumPy arrays and scalars become lists and numbers (float64 exactly).
    """
    document = {"format": _FORMAT, "version": _VERSION, "iter": iteration, "content": content}
    sidecar = sidecar_path(path)
    write_bytes(sidecar, json.dumps(document, default=_plain, indent=1).encode())
    return sidecar


def read_sidecar(path: str | Path, iteration: int) -> dict[str, Any] | None:
    """What was saved beside the solverstate `path`, or None where there is no sidecar (Caffe's own files).

    Raises FileFormatError where the sidecar is damaged or belongs to another iteration than `iteration`.
    """
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        return None
    remedy = "delete it to go on without data positions and random state"
    try:
        document = json.loads(read_bytes(sidecar, "solver sidecar"))
        known = document["format"] == _FORMAT
        version, found, content = document["version"], document["iter"], document["content"]
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(f"{sidecar} is damaged ({error}); {remedy}") from error
    if not known or version > _VERSION:
        raise FileFormatError(f"{sidecar}: version {version} is not known here; update owlkit, or {remedy}")
    if found != iteration:
        raise FileFormatError(f"{sidecar} belongs to iteration {found}, the state to {iteration}; {remedy}")
    return content
