"""Writing the weights of a net, those of one moment: a training goes on when they are copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.io import hdf5_snapshots, safetensors_weights
from owlkit.io.files import write_bytes
from owlkit.io.weights import array_to_proto, write_caffemodel
from owlkit.layers.base import Layer
from owlkit.net.deploying import unsplit
from owlkit.proto import text

HDF5_SUFFIXES = (".h5", ".hdf5")


def save(net: Any, path: str | Path) -> None:
    """Write weights in the format that the name says: `.h5`, `.safetensors`, or else a binary caffemodel."""
    kind = Path(path).suffix
    if kind in HDF5_SUFFIXES:
        save_hdf5(net, path, write_diff=False)
    elif kind == ".safetensors":
        safetensors_weights.write_weights(path, _entries(net))
    else:
        write_caffemodel(path, to_proto(net, write_diff=False))


def save_definition(net: Any, path: str | Path) -> Path:
    """Write the definition of a net as text, without the Split layers that its graph has inserted."""
    definition = type(net.graph.definition)()
    definition.CopyFrom(net.graph.definition)
    del definition.layer[:]
    definition.layer.extend(unsplit(net.graph.definition.layer))
    write_bytes(path, text.format(definition).encode())
    return Path(path)


def save_hdf5(net: Any, path: str | Path, *, write_diff: bool) -> None:
    """Write a caffemodel.h5 as Caffe does: shared blobs with their owner alone, but gradients with all."""
    with net.at_rest():
        copies = [_hdf5_layer(net, layer, write_diff) for layer in net.layers]
    hdf5_snapshots.write_weights(path, copies)


def to_proto(net: Any, *, write_diff: bool) -> Any:
    """The NetParameter with each layer's learned blobs, as a caffemodel stores it."""
    model = type(net.graph.definition)()
    model.CopyFrom(net.graph.definition)
    by_name = {layer.name: layer for layer in net.layers}
    with net.at_rest():
        for stored in model.layer:
            del stored.blobs[:]
            for blob in by_name[stored.name].blobs:
                stored.blobs.append(array_to_proto(blob.peek(), blob.peek("diff") if write_diff else None))
    return model


def _entries(net: Any) -> list[tuple[str, str, int, np.ndarray]]:
    with net.at_rest():
        return [
            (layer.name, layer.type, index, np.array(blob.peek()))
            for layer in net.layers
            for index, blob in _own(net, layer).items()
        ]


def _hdf5_layer(net: Any, layer: Layer, write_diff: bool) -> hdf5_snapshots.LayerBlobs:
    data = {index: np.array(blob.peek()) for index, blob in _own(net, layer).items()}
    diff = None
    if write_diff:
        diff = {index: np.array(blob.peek("diff")) for index, blob in enumerate(layer.blobs)}
    return hdf5_snapshots.LayerBlobs(layer.name, data, diff)


def _own(net: Any, layer: Layer) -> dict[int, Blob]:
    """The learned blobs of a layer but for those that share an earlier layer's memory by name."""
    followers = {id(blob) for blob, _ in net.graph.parameters.followers}
    return {index: blob for index, blob in enumerate(layer.blobs) if id(blob) not in followers}
