"""Questions to a net about itself: where does the first NaN come from, and from which record a value."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from owlkit.io.datum import show_key

if TYPE_CHECKING:
    from owlkit.net.graph import Graph


def first_nonfinite(graph: Graph, gone: Set[str] = frozenset()) -> tuple[str, str, str] | None:
    """(layer, blob, what) of the first non-finite value in the order of computation.

    gone : blobs whose content did not last.

    Parameters of a layer come before its tops: a weight that has become NaN is the cause, its top the effect.
    """
    for node in graph.nodes:
        for index, blob in enumerate(node.layer.blobs):
            if found := _count(blob.peek()):
                return node.name, f"{node.name}[{index}]", f"{found} in its weights"
        for name, top in zip(node.top_names, node.top, strict=True):
            if name not in gone and (found := _count(top.peek())):
                return node.name, name, f"{found} in its output"
    return None


def first_nonfinite_weight(graph: Graph) -> tuple[str, str, str] | None:
    """As `first_nonfinite`, of the learned blobs alone."""
    for parameter in graph.parameters.owners:
        if found := _count(parameter.blob.peek()):
            return parameter.layer, parameter.name, f"{found} in its weights"
    return None


def _count(array: np.ndarray) -> str:
    """ "3 NaN, 1 Inf of 640", or "" where all is finite."""
    if np.isfinite(array).all():
        return ""
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    parts = [f"{n} {what}" for n, what in ((nan, "NaN"), (infinite, "Inf")) if n]
    return f"{', '.join(parts)} of {array.size}"


def record_of(graph: Graph, blob: str, index: int) -> str:
    """Which record item `index` of a blob was read from, in words; "" where no data layer made the blob.

    Only Split layers are looked through: others may put items in another order.
    """
    for node in reversed(graph.nodes):
        if blob not in node.top_names:
            continue
        if node.layer.type == "Split":
            blob = node.bottom_names[0]
            continue
        keys = getattr(node.layer, "keys", [])
        if not node.layer.is_data or index >= len(keys):
            return ""
        source = getattr(node.layer, "source", "")
        return f"it is record {show_key(keys[index])} of {source} (layer {node.name!r}, blob {blob!r})"
    return ""


def zero_weights(graph: Graph) -> list[str]:
    """Names of layers whose weights are all zero although their gradient is wanted: they cannot learn.

    Caffe's filler is "constant" 0 where a definition gives none, which suits a bias and ruins weights.
    """
    return [
        node.name
        for node in graph.nodes
        if node.layer.type in ("Convolution", "Deconvolution", "InnerProduct")
        and node.layer.wants_param(0)
        and not node.layer.blobs[0].peek().any()
    ]
