"""What is known of a layer's filters without any image: norms, neighbours, orders, flags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.filter_health import filter_health

MOST_ORDERED = 1024  # beyond that the tree of likeness takes seconds


def drawable(net: Any) -> list[str]:
    """Layers whose weights lie over a plane."""
    return [name for name, blobs in net.params.items() if blobs and blobs[0].data.ndim == 4]


def geometry(net: Any, layer: str) -> str:
    """ "stride 4, pad 2", as far as it is not what everybody expects."""
    layer_object = net.layer_dict[layer]
    words = []
    for name, common in (("stride", 1), ("pad", 0)):
        values = list(getattr(getattr(layer_object, "window", None), name, ()) or ())
        if values and any(v != common for v in values):
            same = len(set(values)) == 1
            words.append(f"{name} {values[0] if same else ' × '.join(map(str, values))}")
    return ", ".join(words)


def facts(weights: NDArray[Any]) -> dict[str, Any]:
    """weights : (outputs, inputs, H, W). Lists have an entry per filter; unknown is None.

    median : of the norms. nearest : [filter, cosine] of the most similar other one. likeness : order in which
    neighbours are alike. broken : filters with a value that is NaN or infinite.
    """
    health = filter_health(weights)
    sound = np.isfinite(health.norms)
    finite = np.where(np.isfinite(weights), weights, 0)
    cosines = _cosines(finite)
    means = np.where(sound, finite.mean((1, 2, 3), dtype=np.float64), np.nan)
    return {
        "norms": [float(v) if np.isfinite(v) else None for v in health.norms],
        "means": [float(v) if np.isfinite(v) else None for v in means],
        "median": float(np.median(health.norms[sound])) if sound.any() else None,
        "dead": list(health.dead),
        "noise": list(health.noise),
        "duplicates": [[a, b, float(cosines[a, b])] for a, b in health.duplicates],
        "broken": list(health.broken),
        "nearest": _nearest(cosines),
        "likeness": _likeness(cosines),
    }


def _cosines(weights: NDArray[Any]) -> NDArray[np.float64]:
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = flat / np.where(norms, norms, 1)
    return np.clip(unit @ unit.T, -1, 1)


def _nearest(cosines: NDArray[np.float64]) -> list[list[float] | None]:
    if len(cosines) < 2:
        return [None] * len(cosines)
    size = np.abs(cosines)
    np.fill_diagonal(size, -1)
    best = size.argmax(1)
    return [[int(j), float(cosines[i, j])] for i, j in enumerate(best)]


def _likeness(cosines: NDArray[np.float64]) -> list[int]:
    """Leaves of a tree of clusters (average linkage), turned such that neighbours are alike."""
    count = len(cosines)
    if not 2 < count <= MOST_ORDERED:
        return list(range(count))
    from scipy.cluster.hierarchy import leaves_list, linkage

    apart = 1 - np.abs(cosines[np.triu_indices(count, 1)])
    order: list[int] = leaves_list(linkage(apart, "average", optimal_ordering=count <= 256)).tolist()
    return order
