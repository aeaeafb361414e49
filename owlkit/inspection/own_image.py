"""An image where nobody gives one: what the net itself has seen, or would see first."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, NetError
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.twin import Twin
from owlkit.io.datum import show_key
from owlkit.net import Net
from owlkit.proto import caffe_pb2

GIVEN = "the image given"
TITLE_WIDTH = 40  # characters


@dataclass(frozen=True)
class OwnImage:
    """values : (C, H, W) float32, prepared, as the net takes it. about : which image it is, in words."""

    values: np.ndarray
    about: str


def own_image(net: Net, blob: str) -> OwnImage:
    """The first image of the batch that the net has run last, else the first that its data layer reads.

    blob : what holds the images, (N, C, H, W). The net itself is not touched: its place in the data is kept.
    Raises DataError where it has run nothing and reads nothing.
    """
    net = getattr(net, "owlkit_net", net)  # of a caffe.Net
    found = _in_last_batch(net, blob) or _first_read(net, blob)
    if found is None:
        raise DataError(
            f"there is no image to look at: {net.name or 'the net'} has run no batch yet and has no data "
            f"layer that reads one into {blob!r}; give one (a path, a PIL image, a uint8 array)"
        )
    return found


def image_and_layer(image: Any, layer: Any, caller: str) -> tuple[Any, str]:
    """Both as they are meant: of one argument it is the layer. Raises NetError where there is no layer."""
    if layer is None:
        image, layer = None, image
    if not isinstance(layer, str):
        raise NetError(f"name a layer: {caller}(net, image, 'conv1'), or {caller}(net, 'conv1')")
    return image, layer


def prepared_image(net: Net, image: Any, prepare: ImageInput, twin: Twin) -> tuple[np.ndarray, str]:
    """What `twin` runs, (C, H, W), of an image or of the net's own (None); and which that is, in words."""
    if image is not None:
        return prepare(image, twin.shape), GIVEN
    own = own_image(net, twin.input)
    return prepare(own.values, twin.shape), own.about


def titled(about: str) -> str:
    """As the title of a small picture, on several lines where it is long."""
    return "image" if about == GIVEN else textwrap.fill(about, TITLE_WIDTH)


def _in_last_batch(net: Net, blob: str) -> OwnImage | None:
    """None before the first batch, and where the blob does not hold the input any more."""
    if sum(blob in node.top_names for node in net.graph.nodes) > 1:
        return None  # a layer in place has written over it
    with net.turns.taken():  # while it runs, the next batch comes
        values = np.array(net.blobs[blob].peek()[0], np.float32)  # memory="reuse" keeps what sources write
        about = f"image 0 of the net's last batch{_named(net, blob)}"
    return OwnImage(values, about) if values.any() else None


def _first_read(net: Net, blob: str) -> OwnImage | None:
    """Read by a net of its own that has no other layer; None where no layer reads."""
    node = _reader(net, blob)
    if node is None:
        return None
    definition = caffe_pb2.NetParameter()
    definition.layer.add().CopyFrom(_defined(net, node.name))
    reads = Net(definition, phase=net.phase, seed=net.seed, device="cpu")
    try:
        reads.forward()
        values = np.array(reads.blobs[blob].data[0], np.float32)
        return OwnImage(values, f"the first image that the net's data layer reads{_named(reads, blob)}")
    finally:
        getattr(reads.layers[0], "close", lambda: None)()  # of one that reads ahead


def _reader(net: Net, blob: str) -> Any:
    """The node of the data layer that makes the blob, or None."""
    return next((n for n in net.graph.nodes if n.layer.is_data and blob in n.top_names), None)


def _defined(net: Net, name: str) -> Any:
    """The definition of a layer, for any phase and level."""
    layer = caffe_pb2.LayerParameter()
    layer.CopyFrom(next(layer for layer in net.graph.definition.layer if layer.name == name))
    layer.ClearField("include")
    layer.ClearField("exclude")
    return layer


def _named(net: Net, blob: str) -> str:
    """Its record and its label, where they are known: ", record '7' of digits, label 3"."""
    node = _reader(net, blob)
    if node is None:
        return ""
    keys, source = getattr(node.layer, "keys", []), getattr(node.layer, "source", "")
    record = f", record {show_key(keys[0])} of {Path(source).name}" if keys and source else ""
    label = _label(net, node)
    return f"{record}, label {label}" if label is not None else record


def _label(net: Net, node: Any) -> int | None:
    """What a data layer gave beside image 0 as a single whole number."""
    values = net.blobs[node.top_names[1]].peek() if len(node.top_names) == 2 else np.empty(0)
    one = values[0] if values.ndim == 1 and len(values) else np.nan
    return int(one) if np.isfinite(one) and one == int(one) else None
