"""debug_info: the mean |data| of each top and parameter, the mean |diff| of what has a gradient.

Lines, words and order are those of Caffe's Net::ForwardDebugInfo and BackwardDebugInfo, so what reads
Caffe's logs reads these: forward, backward from the last layer, norms over all parameters. They are written
when the pass is done, so that a blob which layers overwrite in place has one value in all lines: that of the
last of them. There are no lines of updates: Caffe has code for them, which nothing calls since 2015.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

log = logging.getLogger("owlkit")


def _mean_magnitude(array: np.ndarray) -> float:
    # Sums in half precision end early: to 128 bfloat16 adds nothing that is below 0.5.
    return float(np.abs(array).mean(dtype=np.float64)) if array.size else 0.0


def log_forward(net: Any) -> None:
    """The lines of a whole forward pass: all that Caffe logs of a solver's test net, after each batch."""
    for node in net.graph.nodes:
        for top in net.top_names[node.layer.name]:
            value = _mean_magnitude(net.blobs[top].peek())
            log.info("    [Forward] Layer %s, top blob %s data: %.6g", node.layer.name, top, value)
        shown = _param_names(node.layer)
        for index, blob in enumerate(node.layer.blobs):
            value = _mean_magnitude(blob.peek())
            log.info("    [Forward] Layer %s, param blob %s data: %.6g", node.layer.name, shown[index], value)


def log_backward(net: Any) -> None:
    """The lines of a whole backward pass, and the norms."""
    for node in reversed([node for node in net.graph.nodes if node.backward]):
        _log_backward(net, node)
    data = [parameter.blob.peek() for parameter in net.learnable]
    diff = [parameter.blob.diff for parameter in net.learnable]
    log.info(
        "    [Backward] All net params (data, diff): L1 norm = (%.6g, %.6g); L2 norm = (%.6g, %.6g)",
        *(_norm(arrays, order) for order in (1, 2) for arrays in (data, diff)),
    )


def _param_names(layer: Any) -> list[str]:
    """How Caffe shows a layer's parameters in a forward pass: by the name they are shared by, if any."""
    named = [spec.name for spec in layer.param.param]
    named += [""] * (len(layer.blobs) - len(named))
    return [name or str(index) for index, name in enumerate(named)]


def _log_backward(net: Any, node: Any) -> None:
    layer = node.layer
    for bottom, wanted in zip(net.bottom_names[layer.name], node.propagate_down, strict=True):
        if wanted:
            value = _mean_magnitude(net.blobs[bottom].diff)
            log.info("    [Backward] Layer %s, bottom blob %s diff: %.6g", layer.name, bottom, value)
    for index, blob in enumerate(layer.blobs):
        if layer.param_propagate_down[index]:
            value = _mean_magnitude(blob.diff)
            log.info("    [Backward] Layer %s, param blob %d diff: %.6g", layer.name, index, value)


def _norm(arrays: list[np.ndarray], order: int) -> float:
    """L1 or L2 norm over all elements of all arrays."""
    total = sum(float((np.abs(array.astype(np.float64)) ** order).sum()) for array in arrays)
    return total ** (1 / order)
