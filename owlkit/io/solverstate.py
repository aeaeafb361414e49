"""Solver states: Caffe's binary SolverState, and beside it, in `<state>.owl`, what Caffe does not save."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError, MissingFileError
from owlkit.io import hdf5_snapshots
from owlkit.io.blobproto import array_to_proto, proto_to_array
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.recognise import looks_like_onnx, parse_binary, recognise
from owlkit.proto import caffe_pb2

_FORMAT, _VERSION = "owlkit solver sidecar", 1
_REMEDY = "delete it to go on without data positions and random state"


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
    """Read a solverstate, binary or HDF5; its content says which it is.

    Raises DataError where the file is missing, FileFormatError where it is something else (and says what).
    """
    content = read_bytes(path, "solverstate")
    if hdf5_snapshots.recognises(content):
        return SolverStateData(*hdf5_snapshots.read_state(path))
    state = parse_binary(content, caffe_pb2.SolverState)
    nothing = state is None or not state.HasField("iter") or not (state.history or state.learned_net)
    if state is None or nothing or looks_like_onnx(content):
        raise FileFormatError(f"{path} is not a solverstate: it is {recognise(content)}")
    if not state.HasField("current_step") and any(blob.HasField("shape") for blob in state.history):
        # Protobuf reads what ends between two fields; since blobs have a shape, current_step comes last.
        raise FileFormatError(f"{path} is cut short: its last field, current_step, is missing")
    history = [proto_to_array(h, f"{path}: history[{i}]") for i, h in enumerate(state.history)]
    return SolverStateData(state.iter, state.learned_net, state.current_step, history)


def write_solverstate(path: str | Path, data: SolverStateData) -> None:
    """Write a solverstate that Caffe reads as well, atomically: HDF5 where the name ends in `.h5`."""
    if Path(path).suffix == ".h5":
        hdf5_snapshots.write_state(path, data.iter, data.learned_net, data.current_step, data.history)
        return
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


def write_sidecar(
    path: str | Path,
    iteration: int,
    content: dict[str, Any],
    weights: str | Path | None = None,
    written: datetime | None = None,
) -> Path:
    """Write the sidecar of the solverstate, or of other weights, `path`.

    content : JSON-able values; NumPy arrays and scalars become lists and numbers (float64 exactly).
    weights : the caffemodel written with the state; where it is given, sizes and sums of both files are kept,
        and `check_companions` tells later whether they are still the same.
    written : when, with its time zone: a file's own time is lost when it is copied.
    """
    document = {"format": _FORMAT, "version": _VERSION, "iter": iteration, "content": content}
    if written is not None:
        document["written"] = written.isoformat()
    if weights is not None:
        document["files"] = {"state": _fingerprint(path), "weights": _fingerprint(weights)}
    sidecar = sidecar_path(path)
    write_bytes(sidecar, json.dumps(document, default=_plain, indent=1).encode())
    return sidecar


def _fingerprint(path: str | Path) -> dict[str, int]:
    """Size in bytes and CRC-32 of a file: against damage, not against malice."""
    content = read_bytes(path, "file")
    return {"bytes": len(content), "crc32": zlib.crc32(content)}


def check_companions(path: str | Path, weights: str | Path) -> None:
    """FileFormatError where a state or its weights are not those that the state's sidecar was written with.

    Says nothing where there is no sidecar, or one that holds no sums.
    """
    document = _read_document(path) or {}
    for kind, file in (("state", path), ("weights", weights)):
        expected = document.get("files", {}).get(kind)
        if expected is not None and _fingerprint(file) != expected:
            raise FileFormatError(
                f"{file} is damaged, or not the one written with {sidecar_path(path)}: {_REMEDY}"
            )


def written_at(path: str | Path) -> datetime | None:
    """When the solverstate `path` was written; None where no sidecar says so.

    Raises FileFormatError where the sidecar is damaged.
    """
    text = (_read_document(path) or {}).get("written")
    return None if text is None else moment_of(text)


def moment_of(text: Any) -> datetime:
    """A time as sidecars hold it. ValueError or TypeError without a time zone: it cannot be compared."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text} has no time zone")
    return moment


def read_sidecar(path: str | Path, iteration: int) -> dict[str, Any] | None:
    """What was saved beside the solverstate `path`, or None where there is no sidecar (Caffe's own files).

    Raises FileFormatError where the sidecar is damaged or belongs to another iteration than `iteration`.
    """
    document = _read_document(path)
    if document is None:
        return None
    found = document["iter"]
    if found != iteration:
        raise FileFormatError(
            f"{sidecar_path(path)} belongs to iteration {found}, the state to {iteration}; {_REMEDY}"
        )
    content: dict[str, Any] = document["content"]
    return content


def read_note(path: str | Path) -> tuple[int, dict[str, Any]]:
    """(iteration, content) of the sidecar of a file that is no state, such as weights that were kept.

    Raises MissingFileError where there is none, FileFormatError where it is damaged.
    """
    document = _read_document(path)
    if document is None:
        raise MissingFileError(f"there is no {sidecar_path(path)}")
    return document["iter"], document["content"]


def _read_document(path: str | Path) -> dict[str, Any] | None:
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        return None
    try:
        document: dict[str, Any] = json.loads(read_bytes(sidecar, "solver sidecar"))
        known, version = document["format"] == _FORMAT, document["version"]
        known = known and isinstance(document["content"], dict) and isinstance(document["iter"], int)
        known = known and isinstance(version, int) and isinstance(document.get("files", {}), dict)
        if "written" in document:
            moment_of(document["written"])
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(f"{sidecar} is damaged ({error}); {_REMEDY}") from error
    if not known or version > _VERSION:
        raise FileFormatError(f"{sidecar}: version {version} is not known here; update owlkit, or {_REMEDY}")
    return document
