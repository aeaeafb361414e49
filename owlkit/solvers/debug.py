"""debug_info: mean magnitudes of what flows through a net, as Caffe logs them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

log = logging.getLogger("owlkit")


def _mean_magnitude(array: np.ndarray) -> float:
    return float(np.abs(array).mean()) if array.size else 0.0


def log_debug_info(net: Any) -> None:
    """Log the mean |data| and |diff| of each top and each parameter, one line each."""
    for layer in net.layers:
        for top in net.top_names[layer.name]:
            blob = net.blobs[top]
            data, diff = _mean_magnitude(blob.data), _mean_magnitude(blob.diff)
            log.info("%s, top %s: data %.6g, diff %.6g", layer.name, top, data, diff)
        for index, blob in enumerate(layer.blobs):
            data, diff = _mean_magnitude(blob.data), _mean_magnitude(blob.diff)
            log.info("%s, param %d: data %.6g, diff %.6g", layer.name, index, data, diff)
