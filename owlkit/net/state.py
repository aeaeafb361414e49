"""Positions and random generators of a net's layers, as JSON-able values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from owlkit.layers.base import Layer


def capture(layers: Sequence[Layer]) -> dict[str, Any]:
    """{"layers": {name: state}, "rng": {name: generator state}}, for layers that have a state or draw numbers."""
    return {
        "layers": {layer.name: found for layer in layers if (found := layer.state())},
        "rng": {layer.name: _plain(layer.rng.bit_generator.state) for layer in layers},
    }


def restore(layers: Sequence[Layer], saved: dict[str, Any]) -> None:
    """Set what `capture` returned; layers that the saved state lacks are left alone."""
    for layer in layers:
        if layer.name in saved.get("rng", {}):
            layer.rng.bit_generator.state = _arrays(saved["rng"][layer.name])
        if layer.name in saved.get("layers", {}):
            layer.restore_state(saved["layers"][layer.name])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return {"uint64": [int(n) for n in value]}
    return int(value) if isinstance(value, (np.integer, bool)) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"uint64"}:
            return np.array(value["uint64"], np.uint64)
        return {key: _arrays(item) for key, item in value.items()}
    return value
