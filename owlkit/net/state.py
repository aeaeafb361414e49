"""Positions and random generators of a net's layers, as JSON-able values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from owlkit.layers.base import Layer


def unique_name(name: str, twins: int) -> str:
    """What tells a layer from the `twins` layers of the same name before it: "loss", "loss (2)", ..."""
    return f"{name} ({twins + 1})" if twins else name


def _named(layers: Sequence[Layer]) -> Iterator[tuple[str, Layer]]:
    seen: Counter[str] = Counter()
    for layer in layers:
        yield unique_name(layer.name, seen[layer.name]), layer
        seen[layer.name] += 1


def capture(layers: Sequence[Layer]) -> dict[str, Any]:
    """{"layers": {name: state}, "rng": {name: generator state}}."""
    return {
        "layers": {name: found for name, layer in _named(layers) if (found := layer.state())},
        "rng": {name: _plain(layer.rng.bit_generator.state) for name, layer in _named(layers)},
    }


def restore(layers: Sequence[Layer], saved: dict[str, Any]) -> None:
    """Set what `capture` returned; layers that the saved state lacks are left alone."""
    for name, layer in _named(layers):
        if name in saved.get("rng", {}):
            layer.rng.bit_generator.state = _arrays(saved["rng"][name])
        if name in saved.get("layers", {}):
            if layer.is_data:
                _check_positions(saved["layers"][name])
            layer.restore_state(saved["layers"][name])


def _check_positions(state: dict[str, Any]) -> None:
    """ValueError where a position in the data or a seed is no whole number in its range."""
    for key, value in state.items():
        limit = 2**128 if key == "seed" else 2**63
        if type(value) is not int or not 0 <= value < limit:
            raise ValueError(f"{key} is {value!r}")


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
