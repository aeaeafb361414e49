"""Learned blobs as a file holds them, in whatever format it is: caffemodel, HDF5 or safetensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.io import hdf5_snapshots, safetensors_weights
from owlkit.io.blobproto import proto_to_array
from owlkit.io.weights import read_caffemodel


@dataclass(frozen=True)
class StoredBlob:
    """An array as stored. padded : the file knows four axes only, so a shape may have ones in front."""

    array: np.ndarray
    padded: bool = False


@dataclass
class StoredWeights:
    """What a file of weights holds.

    source : the file, for messages. layers : layer name -> index of the learned blob -> blob, in the file's
    order. HDF5 and safetensors leave out blobs that a layer shares with an earlier one.
    """

    source: str
    layers: dict[str, dict[int, StoredBlob]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of learned blobs."""
        return sum(map(len, self.layers.values()))


def from_proto(net: Any, source: str) -> StoredWeights:
    """The learned blobs of a NetParameter; FileFormatError where one is damaged."""
    found = StoredWeights(source)
    for layer in net.layer:
        if layer.blobs:
            found.layers[layer.name] = {
                index: StoredBlob(proto_to_array(blob, f"{layer.name}[{index}]"), not blob.HasField("shape"))
                for index, blob in enumerate(layer.blobs)
            }
    return found


def read_weights(path: str | Path) -> StoredWeights:
    """The learned blobs of a caffemodel, binary or HDF5, or a safetensors file; its content says which it is.

    Raises DataError where the file is missing, FileFormatError where it is something else (and says what).
    """
    for module in (hdf5_snapshots, safetensors_weights):
        if module.recognises(first_bytes(path)):
            arrays = module.read_weights(path)
            layers = {name: {i: StoredBlob(a) for i, a in blobs.items()} for name, blobs in arrays.items()}
            return StoredWeights(str(path), layers)
    return from_proto(read_caffemodel(path), str(path))


def first_bytes(path: str | Path) -> bytes:
    """The first 16 bytes of a file, none where it cannot be read: whoever reads it whole says why."""
    try:
        with open(path, "rb") as stream:
            return stream.read(16)
    except OSError:
        return b""
