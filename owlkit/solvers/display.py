"""What a solver shows of the training net at its display interval."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from owlkit.solvers.testing import flatten_outputs

log = logging.getLogger("owlkit")


def displayed_outputs(net: Any) -> tuple[dict[str, float], dict[str, float]]:
    """(output -> value, output -> loss weight) of the present batch."""
    outputs = flatten_outputs({name: net.blobs[name].data for name in net.outputs})
    weights = {
        top: weight
        for layer in net.layers
        for top, weight in zip(net.top_names[layer.name], layer.loss_weights, strict=False)
    }
    return outputs, {name: weights.get(name, 0.0) for name in outputs}


def _mean_magnitude(array: np.ndarray) -> float:
    return float(np.abs(array).mean()) if array.size else 0.0


def log_debug_info(net: Any) -> None:
    """debug_info: log the mean |data| and |diff| of each top and each parameter, one line each."""
    for layer in net.layers:
        for top in net.top_names[layer.name]:
            blob = net.blobs[top]
            data, diff = _mean_magnitude(blob.data), _mean_magnitude(blob.diff)
            log.info("%s, top %s: data %.6g, diff %.6g", layer.name, top, data, diff)
        for index, blob in enumerate(layer.blobs):
            data, diff = _mean_magnitude(blob.data), _mean_magnitude(blob.diff)
            log.info("%s, param %d: data %.6g, diff %.6g", layer.name, index, data, diff)
