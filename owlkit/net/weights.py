"""Loading trained weights into a net, with a report of what was loaded, skipped and left as it was."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import NetError, closest
from owlkit.io.stored import StoredBlob, StoredWeights, from_proto, read_weights
from owlkit.layers.base import Layer
from owlkit.net import tables

_AFRESH = "rename the layer to start it afresh, or leave it out: net.copy_from(..., skip={!r})"
_IN_DEFINITION = "the definition itself has them: layer.ClearField('blobs') there starts the layer afresh"


@dataclass
class LoadReport:
    """What `Net.copy_from` did, by layer name.

    loaded : weights were copied. missing : the net has weights, the file has none; they keep their values.
    unused : the file has weights for a layer that the net lacks. shared : the net's layer shares all its
    parameters with an earlier one, and the file, as HDF5 ones do, leaves it out. left_out : skipped as asked.
    """

    source: str
    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the net and the file have weights for the same layers."""
        return not (self.missing or self.unused)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(name, "loaded") for name in self.loaded]
        rows += [(name, "shared with an earlier layer") for name in self.shared]
        rows += [(name, "not in the file: keeps its values") for name in self.missing]
        rows += [(name, "left out, as asked: keeps its values") for name in self.left_out]
        return rows + [(name, "in the file only: skipped") for name in self.unused]

    def _title(self) -> str:
        counts = (
            f"{len(self.loaded)} loaded, {len(self.missing + self.left_out)} kept, {len(self.unused)} skipped"
        )
        return f"weights from {self.source}: {counts}"

    def __repr__(self) -> str:
        return self._title() + "\n" + tables.text_table(("layer", "weights"), self._rows())

    def _repr_html_(self) -> str:
        return f"<b>{self._title()}</b>" + tables.html_table(("layer", "weights"), self._rows())


def load_weights(
    layers: Sequence[Layer], source: Any, followers: Collection[int] = (), skip: Collection[str] = ()
) -> LoadReport:
    """Copy weights by layer name (Caffe's CopyTrainedLayersFrom).

    source : path of a caffemodel (binary or HDF5) or safetensors file, StoredWeights, or a NetParameter with
        blobs. followers : ids of the blobs that share another layer's memory; a file may leave them out.
    skip : names of layers that keep their values. Raises NetError where a layer's blobs differ in number or
    shape, or none is called as one of `skip`; nothing is changed then.
    """
    report, pairs = match_weights(layers, source, followers, skip)
    for blob, array in pairs:
        blob.data[...] = array
    return report


def take_blobs(layers: Sequence[Layer], definition: Any, followers: Collection[int], *, load: bool) -> None:
    """Have the blobs of a definition as the first weights, and take them out of it, where they would be older
    than those of a training.

    load : whether the layers take them. Raises NetError where a layer's blobs differ in number or shape.
    """
    if not any(layer.blobs for layer in definition.layer):
        return
    if load:
        for blob, array in match_weights(layers, definition, followers, advice=_IN_DEFINITION)[1]:
            blob.data[...] = array
    for layer in definition.layer:
        layer.ClearField("blobs")


def match_weights(
    layers: Sequence[Layer],
    source: Any,
    followers: Collection[int] = (),
    skip: Collection[str] = (),
    advice: str = "",
) -> tuple[LoadReport, list[tuple[Blob, np.ndarray]]]:
    """What `load_weights` would do, and the arrays for it, while nothing is changed yet.

    advice : what to do where a layer's blobs differ; else to rename the layer, or to skip it.
    """
    skipped = _known([skip] if isinstance(skip, str) else skip, layers)
    weights = as_stored(source)
    report = LoadReport(weights.source)
    unused = dict(weights.layers)
    pairs: list[tuple[Blob, np.ndarray]] = []
    for layer in layers:
        if layer.name in skipped:
            report.left_out.append(layer.name)
            unused.pop(layer.name, None)
            continue
        own = [index for index, blob in enumerate(layer.blobs) if id(blob) not in followers]
        stored = unused.pop(layer.name, {}) if layer.blobs else {}
        if stored:
            pairs += _matched(layer, stored, own, advice or _AFRESH.format(layer.name))
            report.loaded.append(layer.name)
        elif own:
            report.missing.append(layer.name)
        elif layer.blobs:
            report.shared.append(layer.name)
    report.unused = list(unused)
    return report, pairs


def _known(skip: Collection[str], layers: Sequence[Layer]) -> set[str]:
    """Names of layers to leave out. Raises NetError for one that no layer with weights has."""
    names = [layer.name for layer in layers if layer.blobs]
    for name in skip:
        if name not in names:
            raise NetError(f"skip={name!r}: no layer with weights is called so{closest(name, names)}")
    return set(skip)


def as_stored(source: Any) -> StoredWeights:
    """Whatever `Net.copy_from` takes, as StoredWeights."""
    if isinstance(source, StoredWeights):
        return source
    if isinstance(source, str | Path):
        return read_weights(source)
    return from_proto(source, source.name or "NetParameter")


def _matched(
    layer: Layer, stored: dict[int, StoredBlob], own: Sequence[int], advice: str
) -> list[tuple[Blob, np.ndarray]]:
    """Each stored blob of a layer with the net's; `own` are those that the file must have."""
    if not set(own) <= set(stored) <= set(range(len(layer.blobs))):
        raise layer.error(
            f"the file has {len(stored)} learned blobs for it{_numbers(stored)}, the net {len(layer.blobs)}; "
            f"{advice}"
        )
    pairs = []
    for index, found in stored.items():
        blob, shape = layer.blobs[index], found.array.shape
        if not _same_shape(blob, found):
            raise layer.error(
                f"learned blob {index} is {shape} in the file but {blob.shape} in the net; {advice}; or make "
                "the definitions agree"
            )
        pairs.append((blob, found.array.reshape(blob.shape)))
    return pairs


def _numbers(stored: dict[int, StoredBlob]) -> str:
    """ " (number 1)" where some are left out."""
    if list(stored) == list(range(len(stored))):
        return ""
    return f" (number {', '.join(map(str, stored))})"


def _same_shape(blob: Blob, stored: StoredBlob) -> bool:
    """Equal shapes; files from before Caffe had N-dimensional blobs pad with ones in front."""
    shape = stored.array.shape
    if not stored.padded:
        return shape == blob.shape
    return blob.ndim <= 4 and (1,) * (4 - blob.ndim) + blob.shape == shape
