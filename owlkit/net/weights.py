"""Loading trained weights into a net, with a report of what was loaded, skipped and left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.io.weights import proto_shape, proto_to_array, read_caffemodel
from owlkit.layers.base import Layer
from owlkit.net import tables


@dataclass
class LoadReport:
    """What `Net.copy_from` did, by layer name.

    loaded : weights were copied. missing : the net has weights, the file has none; they keep their values.
    unused : the file has weights for a layer that the net lacks.
    """

    source: str
    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(name, "loaded") for name in self.loaded]
        rows += [(name, "not in the file: keeps its values") for name in self.missing]
        return rows + [(name, "in the file only: skipped") for name in self.unused]

    def _title(self) -> str:
        counts = f"{len(self.loaded)} loaded, {len(self.missing)} kept, {len(self.unused)} skipped"
        return f"weights from {self.source}: {counts}"

    def __repr__(self) -> str:
        return self._title() + "\n" + tables.text_table(("layer", "weights"), self._rows())

    def _repr_html_(self) -> str:
        return f"<b>{self._title()}</b>" + tables.html_table(("layer", "weights"), self._rows())


def load_weights(layers: Sequence[Layer], source: Any) -> LoadReport:
    """Copy weights by layer name (Caffe's CopyTrainedLayersFrom).

    source : path of a caffemodel, or a NetParameter with blobs.
    Raises NetError where a layer's blobs differ in number or shape; nothing is changed then.
    """
    model = read_caffemodel(source) if isinstance(source, (str, Path)) else source
    report = LoadReport(str(source) if isinstance(source, (str, Path)) else model.name or "NetParameter")
    stored = {layer.name: layer.blobs for layer in model.layer if layer.blobs}
    pairs: list[tuple[Blob, np.ndarray]] = []
    for layer in layers:
        if not layer.blobs:
            continue
        if layer.name not in stored:
            report.missing.append(layer.name)
            continue
        pairs += _matched(layer, stored.pop(layer.name))
        report.loaded.append(layer.name)
    report.unused = list(stored)
    for blob, array in pairs:
        blob.data[...] = array
    return report


def _matched(layer: Layer, protos: Sequence[Any]) -> list[tuple[Blob, np.ndarray]]:
    if len(protos) != len(layer.blobs):
        raise layer.error(
            f"the file has {len(protos)} learned blobs for it, the net {len(layer.blobs)}; "
            "rename the layer to start it afresh"
        )
    pairs = []
    for index, (blob, stored) in enumerate(zip(layer.blobs, protos, strict=True)):
        if not _same_shape(blob, stored):
            raise layer.error(
                f"learned blob {index} is {proto_shape(stored)} in the file but {blob.shape} in the net; "
                "rename the layer to start it afresh, or make the definitions agree"
            )
        pairs.append((blob, proto_to_array(stored, f"{layer.name}[{index}]").reshape(blob.shape)))
    return pairs


def _same_shape(blob: Blob, stored: Any) -> bool:
    """Equal shapes; files from before Caffe had N-dimensional blobs pad with ones in front."""
    shape = proto_shape(stored)
    if stored.HasField("shape"):
        return shape == blob.shape
    return blob.ndim <= 4 and (1,) * (4 - blob.ndim) + blob.shape == shape


def net_to_proto(definition: Any, layers: Sequence[Layer], write_diff: bool) -> Any:
    """The NetParameter with each layer's learned blobs, as a caffemodel stores it."""
    from owlkit.io.weights import array_to_proto

    model = type(definition)()
    model.CopyFrom(definition)
    by_name = {layer.name: layer for layer in layers}
    for stored in model.layer:
        del stored.blobs[:]
        for blob in by_name[stored.name].blobs:
            stored.blobs.append(array_to_proto(blob.data, blob.diff if write_diff else None))
    return model
