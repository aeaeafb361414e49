"""Weights as safetensors: one tensor per learned blob, named so that other programs can use them.

`conv1.weight` and `conv1.bias`; of BatchNorm the sums that Caffe keeps (see NAMES); of other types the
index. What layer and index a tensor belongs to is in the file's metadata as well, so names stay free.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, FileFormatError
from owlkit.io.files import read_bytes, write_bytes

#: Names of a layer's learned blobs by its type, in Caffe's order.
NAMES = {
    **dict.fromkeys(("Convolution", "Deconvolution", "InnerProduct", "Embed", "Scale"), ("weight", "bias")),
    "PReLU": ("weight",),
    "Bias": ("bias",),
    "BatchNorm": ("mean_times_factor", "variance_times_factor", "factor"),
}
_KEY = "owlkit.blobs"  # of the metadata: JSON, tensor name -> [layer, index]


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes (at least 9) is safetensors: a length, then JSON."""
    return len(head) >= 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000


def tensor_name(layer: str, layer_type: str, index: int) -> str:
    """conv1.weight, bn1.factor, or lstm.3 where the blobs of the type have no names."""
    names = NAMES.get(layer_type, ())
    return f"{layer}.{names[index] if index < len(names) else index}"


def write_weights(path: str | Path, blobs: Iterable[tuple[str, str, int, np.ndarray]]) -> None:
    """Write learned blobs, each given as (layer, its type, index, array), atomically.

    Raises DataError where the file cannot be written or safetensors is missing, FileFormatError where two
    blobs would have one name.
    """
    tensors: dict[str, np.ndarray] = {}
    places: dict[str, list[Any]] = {}
    for layer, layer_type, index, array in blobs:
        name = tensor_name(layer, layer_type, index)
        if name in tensors:
            raise FileFormatError(
                f"layers {places[name][0]!r} and {layer!r} both have a blob {name!r}; rename one"
            )
        tensors[name], places[name] = np.asarray(array, order="C"), [layer, index]
    metadata = {"format": "np", _KEY: json.dumps(places)}
    write_bytes(path, _library().save(tensors, metadata))


def read_weights(path: str | Path) -> dict[str, dict[int, np.ndarray]]:
    """layer name -> index -> array.

    Without owlkit's metadata `x.weight` is blob 0 of layer x, `x.bias` blob 1 and `x.<n>` blob n.
    Raises DataError where the file is missing, FileFormatError where it is damaged, has values of a type that
    NumPy lacks (bfloat16), a name says no index, or two name one blob.
    """
    content = read_bytes(path, "safetensors file")
    library = _library()
    try:
        found = library.load(content)
    except Exception as error:  # its own exception class is made in Rust and lies elsewhere in each version
        raise FileFormatError(_unread(path, error)) from error
    places = _places(content, path)
    layers: dict[str, dict[int, np.ndarray]] = {}
    for name in sorted(found):
        layer, index = places[name] if name in places else _place(name, path)
        array = found[name]
        if array.dtype.kind != "f":
            raise FileFormatError(f"{path}: tensor {name!r} holds {array.dtype}; floats are needed")
        if index in layers.setdefault(layer, {}):
            raise FileFormatError(
                f"{path}: tensor {name!r} and another one are both learned blob {index} of layer {layer!r}; "
                "take one of them out"
            )
        layers[layer][index] = np.asarray(array, np.float64 if array.dtype == np.float64 else np.float32)
    return {layer: dict(sorted(blobs.items())) for layer, blobs in layers.items()}


def _unread(path: str | Path, error: Exception) -> str:
    """What to say where the library fails; a KeyError is its answer to a type of values that NumPy lacks."""
    if isinstance(error, KeyError):
        return f"{path} holds values of type {error.args[0]}; convert them to F32 (or F16, F64)"
    return f"{path} is a damaged safetensors file: {error}"


def _places(content: bytes, path: str | Path) -> dict[str, tuple[str, int]]:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    try:
        stored = json.loads(header.get("__metadata__", {}).get(_KEY, "{}"))
        found = {name: (str(layer), int(index)) for name, (layer, index) in stored.items()}
        if min((index for _, index in found.values()), default=0) < 0:
            raise ValueError("a blob's index is negative")
        return found
    except (ValueError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path}: its metadata {_KEY!r} is damaged ({error})") from error


def _place(name: str, path: str | Path) -> tuple[str, int]:
    layer, dot, last = name.rpartition(".")
    index = {"weight": 0, "bias": 1}.get(last, int(last) if last.isascii() and last.isdigit() else None)
    if not dot or index is None:
        raise FileFormatError(
            f"{path}: tensor {name!r} names no learned blob; name it <layer>.weight, <layer>.bias or "
            "<layer>.<index>"
        )
    return layer, index


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise DataError(
            "safetensors files need the package safetensors: pip install 'owlkit[export]'"
        ) from error
    return safetensors.numpy
