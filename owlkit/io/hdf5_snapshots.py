"""Weights and solver states in HDF5, laid out as BVLC Caffe does.

A caffemodel.h5 has a group `data` (and `diff` where gradients are saved), in it one group per layer, also of
those that learn nothing, in it one float dataset per learned blob, named by its index. A blob that is shared
by name is stored with the layer that owns it alone. A solverstate.h5 has the integers `iter` and
`current_step`, the string `learned_net`, and a group `history` with one dataset per array.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import FileFormatError
from owlkit.io.files import read_bytes, write_bytes
from owlkit.io.hdf5 import import_h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
_DEFLATE_LIMIT = 1100  # bytes from one stored byte: a little above the most that deflate can pack


@dataclass
class LayerBlobs:
    """Learned blobs of a layer to be written: index -> array, and their gradients where these are saved."""

    name: str
    data: dict[int, np.ndarray] = field(default_factory=dict)
    diff: dict[int, np.ndarray] | None = None


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes is HDF5."""
    return head.startswith(_MAGIC)


# -- writing
def write_weights(path: str | Path, layers: Iterable[LayerBlobs]) -> None:
    """Write a caffemodel.h5, atomically.

    Raises DataError where it cannot be written or h5py is missing, FileFormatError for a layer whose name
    cannot be a path inside the file.
    """
    with _new_file(path) as file:
        for layer in layers:
            _check_name(layer.name)
            for group, blobs in (("data", layer.data), ("diff", layer.diff)):
                if blobs is not None:
                    _write_arrays(file, f"{group}/{layer.name}", blobs)


def write_state(
    path: str | Path, iteration: int, learned_net: str, current_step: int, history: list[np.ndarray]
) -> None:
    """Write a solverstate.h5, atomically; raises as `write_weights`."""
    with _new_file(path) as file:
        file.create_dataset("iter", data=np.array([iteration], np.int32))
        if learned_net:
            _write_text(file, "learned_net", learned_net)
        file.create_dataset("current_step", data=np.array([current_step], np.int32))
        _write_arrays(file, "history", dict(enumerate(history)))


@contextmanager
def _new_file(path: str | Path) -> Iterator[Any]:
    """An h5py.File in memory that is written to `path` when the block has ended well."""
    h5py, content = import_h5py(), io.BytesIO()
    with h5py.File(content, "w", libver="earliest") as file:
        yield file
    write_bytes(path, content.getbuffer())


def _write_arrays(file: Any, group: str, arrays: Mapping[int, np.ndarray]) -> None:
    place = file.require_group(group)
    for index, array in arrays.items():
        dtype = np.float64 if array.dtype == np.float64 else np.float32
        place.create_dataset(str(index), data=np.asarray(array, dtype, order="C"))


def _write_text(file: Any, name: str, text: str) -> None:
    """A string with a zero at its end: Caffe reads on to one."""
    h5 = import_h5py()
    content = text.encode() + b"\0"
    kind = h5.h5t.C_S1.copy()
    kind.set_size(len(content))
    kind.set_strpad(h5.h5t.STR_NULLTERM)
    dataset = h5.h5d.create(file.id, name.encode(), kind, h5.h5s.create(h5.h5s.SCALAR))
    dataset.write(h5.h5s.ALL, h5.h5s.ALL, np.array(content, dtype=f"S{len(content)}"), kind)


def _check_name(name: str) -> None:
    if any(part in ("", ".") for part in name.split("/")):
        raise FileFormatError(
            f"a layer named {name!r} cannot be stored in HDF5, where names are paths; rename it, or save as "
            ".caffemodel"
        )


# -- reading
def read_weights(path: str | Path) -> dict[str, dict[int, np.ndarray]]:
    """layer name -> index -> array of a caffemodel.h5; layers without learned blobs are left out.

    Raises DataError where the file is missing, FileFormatError where it is damaged or something else.
    """
    with _opened(path, "caffemodel") as file:
        data = _member(file, "data", import_h5py().Group, path)
        if data is None:
            raise FileFormatError(f"{path} is not a caffemodel: it is {describe(file)}")
        return {name: arrays for name, arrays in _layers(data, "", path, set()) if arrays}


def read_state(path: str | Path) -> tuple[int, str, int, list[np.ndarray]]:
    """(iter, learned_net, current_step, history) of a solverstate.h5; raises as `read_weights`."""
    with _opened(path, "solverstate") as file:
        history = _member(file, "history", import_h5py().Group, path)
        if history is None or "iter" not in file:
            raise FileFormatError(f"{path} is not a solverstate: it is {describe(file)}")
        arrays = _numbered(history, path)
        if list(arrays) != list(range(len(arrays))):
            raise FileFormatError(f"{path}: histories are numbered {list(arrays)}; the file is damaged")
        text = _member(file, "learned_net", import_h5py().Dataset, path)
        learned_net = "" if text is None else _text(text, path)
        return (
            _integer(file, "iter", path),
            learned_net,
            _integer(file, "current_step", path),
            [*arrays.values()],
        )


def describe(file: Any) -> str:
    """A phrase for the content of an open h5py.File."""
    if "history" in file and "iter" in file:
        return "a solverstate (the solver's history); the weights are in the .caffemodel.h5 beside it"
    if isinstance(file.get("data"), import_h5py().Group):
        return "a caffemodel (the weights); the solver's history is in the .solverstate.h5 beside it"
    return f"an HDF5 file with {', '.join(map(repr, list(file)[:5])) or 'nothing in it'}"


@contextmanager
def _opened(path: str | Path, what: str) -> Iterator[Any]:
    h5py = import_h5py()
    content = read_bytes(path, what)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except FileFormatError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"{path} is damaged or cut short: {error}") from error


def _member(group: Any, name: str, kind: Any, path: str | Path) -> Any:
    """group[name], which lies in the same file; None where there is none of this kind."""
    h5py = import_h5py()
    if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
        raise FileFormatError(f"{path}: {name} is a link to another file; store it in this one")
    found = group.get(name)
    return found if isinstance(found, kind) else None


def _layers(
    group: Any, prefix: str, path: Any, above: set[int]
) -> Iterator[tuple[str, dict[int, np.ndarray]]]:
    """Every group with datasets; a layer whose name has a slash lies in a group of its first part."""
    address = import_h5py().h5o.get_info(group.id).addr
    if address in above:
        raise FileFormatError(f"{path}: group {prefix!r} contains itself; the file is damaged")
    for name in group:
        inner = _member(group, name, import_h5py().Group, path)
        if inner is not None:
            yield prefix + name, _numbered(inner, path)
            yield from _layers(inner, f"{prefix}{name}/", path, above | {address})


def _numbered(group: Any, path: str | Path) -> dict[int, np.ndarray]:
    """Index -> array of the datasets in a group, in the order of their indices."""
    names = [name for name in group if _member(group, name, import_h5py().Dataset, path) is not None]
    unknown = [name for name in names if not (name.isascii() and name.isdigit())]
    if unknown:
        raise FileFormatError(
            f"{path}: dataset {group.name}/{unknown[0]} is not numbered; Caffe names blobs by their index"
        )
    return {int(name): _array(group[name], path) for name in sorted(names, key=int)}


def _array(dataset: Any, path: str | Path) -> np.ndarray:
    """A dataset's values, float32 or float64, after it was seen that the file holds as many."""
    where = f"{path}: dataset {dataset.name}"
    if dataset.dtype.kind not in "fiu" or dataset.dtype.hasobject:
        raise FileFormatError(f"{where} holds {dataset.dtype}; numbers are needed")
    if dataset.is_virtual or dataset.external:
        raise FileFormatError(f"{where} lies in another file; store it in this one")
    stored = dataset.id.get_storage_size()
    packed = dataset.chunks and dataset.id.get_create_plist().get_nfilters()
    if dataset.shape is None or dataset.nbytes > stored * (_DEFLATE_LIMIT if packed else 1):
        raise FileFormatError(
            f"{where} of shape {dataset.shape} has {stored:,} bytes in the file, too few; it is damaged or "
            "cut short"
        )
    return np.asarray(dataset[()], np.float64 if dataset.dtype == np.float64 else np.float32)


def _integer(file: Any, name: str, path: str | Path) -> int:
    dataset = _member(file, name, import_h5py().Dataset, path)
    if dataset is None or dataset.dtype.kind not in "iu" or dataset.size != 1:
        raise FileFormatError(f"{path}: {name} must be one integer; the file is damaged")
    return int(np.asarray(dataset[()]).item())


def _text(dataset: Any, path: str | Path) -> str:
    if dataset.size != 1 or not 0 < dataset.dtype.itemsize <= 1 << 16:
        raise FileFormatError(f"{path}: {dataset.name} must be one string; the file is damaged")
    value = dataset[()]
    return value.decode(errors="replace").split("\0")[0] if isinstance(value, bytes) else str(value)
