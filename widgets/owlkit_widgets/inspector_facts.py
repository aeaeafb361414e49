"""What the inspector's widget is told about a net, JSON-able: unknown is None, never 0."""

from __future__ import annotations

import io
import math
from typing import Any

from owlkit.core.errors import NetError
from owlkit.inspection.distribution import Distribution, distribution
from owlkit.inspection.graphs.facts import LayerFacts
from owlkit.inspection.graphs.view import Cards, shape_words
from owlkit.inspection.inspector import Inspector
from owlkit.inspection.look import Look
from owlkit.inspection.prediction import probability_layer

from .inspector_timing import times_of

LAYERS_NAMED = 400  # of a stage


def net_of(inspector: Inspector) -> dict[str, Any]:
    """The `net` trait."""
    subject, graph = inspector.subject, inspector.subject.graph
    learned = sum(bool(layer.params) for layer in inspector.layers) or len(subject.weights)
    weights = sum(blob.nbytes for blobs in subject.weights.values() for blob in blobs)
    return {
        "name": inspector.name,
        "phase": subject.phase,
        "phases": subject.phases,
        "layers": len(inspector.layers),
        "learned": learned,
        "parameters": graph.parameter_count if graph is not None else None,
        "macs": graph.macs / batch_of(inspector) if graph is not None else None,
        "weight_bytes": weights or (4 * graph.parameter_count if graph is not None else None),
        "blob_bytes": _blob_bytes(inspector),
        "source": subject.source,
        "weighted": bool(subject.weights),
        "classifies": graph is not None and probability_layer(graph) is not None and bool(subject.weights),
        "notes": inspector.notes,
        "earlier": inspector.earlier_name,
    }


def batch_of(inspector: Inspector) -> int:
    """Images in a batch; 1 where that is not known."""
    for layer in inspector.layers:
        if not layer.bottoms and layer.top_shapes and len(layer.top_shapes[0]) > 1:
            return max(layer.top_shapes[0][0], 1)
    return 1


def _blob_bytes(inspector: Inspector) -> float | None:
    if inspector.subject.graph is None:
        return None
    return sum(layer.bytes or 0 for layer in inspector.layers) / batch_of(inspector)


def cards_of(inspector: Inspector, cards: Cards) -> dict[str, Any]:
    """The `cards` trait: of cards and stages, with what the table shows of each."""
    batch, moved, stds = batch_of(inspector), inspector.moved(), inspector.stds()
    found = {}
    for key in [*cards.sheet.cards, *cards.tree.groups]:
        entry = cards.describe(key)
        entry["macs"] = entry["macs"] / batch if entry["macs"] is not None else None
        entry |= times_of(inspector.timing, cards.members(key))
        if entry["kind"] == "card":
            host = cards.sheet.cards[key].host
            entry["layer_type"] = host.type
            entry["field"] = host.field.height.size if host.field is not None else None
            std = stds.get(host.name)
            entry["std"] = _finite(std) if std is not None else None
            entry["moved"] = _finite(moved[host.name]) if host.name in moved else None
        found[key] = entry
    return found


def detail_of(inspector: Inspector, cards: Cards, key: str, param: int, look: Look | None) -> dict[str, Any]:
    """The `detail` trait: all about one card or stage.

    param : which of its learned blobs has its histogram drawn, counted over all its layers.
    """
    members = cards.members(key)
    params = _params(inspector, members)
    first, last = members[0], cards.main(key)
    card = cards.sheet.cards.get(key)
    macs = [layer.macs for layer in members if layer.macs is not None]
    settings = card.host.settings if card is not None else ""
    return {
        "key": key,
        "settings": settings,
        "types": [
            [layer.name, layer.type, layer.settings, shape_words(layer), _seconds(inspector, layer)]
            for layer in members[:LAYERS_NAMED]
        ],
        "input": [list(s[1:]) or [1] for s in (first.bottom_shapes or ())],
        "output": [list(s[1:]) or [1] for s in (last.top_shapes or ())],
        "macs": sum(macs) / batch_of(inspector) if macs else None,
        "parameters": sum(layer.parameters for layer in members),
        "bytes": _sum([layer.bytes for layer in members]) / batch_of(inspector) if last.top_shapes else None,
        "field": _field(inspector, last),
        "params": [{k: v for k, v in entry.items() if k != "at"} for entry in params],
        "param": min(param, max(len(params) - 1, 0)),
        "histogram": _histogram(inspector, params[min(param, len(params) - 1)]["at"]) if params else None,
        "blobs": _blobs(members, look),
    }


def _seconds(inspector: Inspector, layer: LayerFacts) -> float | None:
    """Forward and backward, None where they were not timed, or with another layer."""
    seconds: float | None = times_of(inspector.timing, [layer])["seconds"]
    return seconds


def _sum(values: list[int | None]) -> int:
    return sum(value or 0 for value in values)


def _blobs(members: list[LayerFacts], look: Look | None) -> list[str]:
    """Blobs that can be looked at, in the order in which they are made."""
    names = dict.fromkeys(name for layer in members for name in layer.tops)
    return [name for name in names if look is not None and name in look.blobs]


def _params(inspector: Inspector, members: list[LayerFacts]) -> list[dict[str, Any]]:
    """Learned blobs of these layers: "weights" and "biases" of the first, the others with their layer."""
    weights = inspector.subject.weights
    found = []
    for number, layer in enumerate(members):
        shapes = layer.params or tuple(blob.shape for blob in weights.get(layer.name, ()))
        for index, shape in enumerate(shapes):
            word = (
                ("weights", "biases")[index] if index < 2 and layer.type != "BatchNorm" else f"blob {index}"
            )
            name = word if number == 0 else f"{layer.name} {word}"
            there = index < len(weights.get(layer.name, ()))
            at = (layer.name, index) if there else None
            found.append({"name": name, "shape": list(shape), "at": at})
    return found


def _histogram(inspector: Inspector, at: tuple[str, int] | None) -> dict[str, Any] | None:
    """How a learned blob is spread, and was in the earlier snapshot; None where there are no weights."""
    if at is None:
        return None
    now = inspector.distribution(*at)
    found = _spread(now)
    earlier = inspector.earlier.get(at[0], ())
    if at[1] < len(earlier):
        found["earlier"] = _spread(distribution(earlier[at[1]], now.limits))
        moved = [m for m in inspector.movements if (m.layer, m.index) == at and m.comparable]
        if moved:
            names = ("relative", "cosine", "largest", "flipped")
            found["moved"] = {name: _finite(getattr(moved[0], name)) for name in names}
    return found


def _spread(d: Distribution) -> dict[str, Any]:
    names = ("mean", "std", "kurtosis", "low", "high")
    return {
        **{name: _finite(getattr(d, name)) for name in names},
        "count": d.count,
        "zeros": d.zeros,
        "not_finite": d.not_finite,
        "limits": list(d.limits),
        "counts": [int(n) for n in d.counts],
        "outside": d.below + d.above,
    }


def _field(inspector: Inspector, layer: LayerFacts) -> dict[str, Any] | None:
    """The receptive field of the unit in the middle of the layer's top, in pixels of the input."""
    if layer.field is None or not layer.top_shapes or inspector.subject.graph is None:
        return None
    if layer.field.input not in inspector.subject.graph.blobs:
        return None
    shape = inspector.subject.graph.blobs[layer.field.input].shape
    plane = layer.top_shapes[0][2:] if len(layer.top_shapes[0]) == 4 else (1, 1)
    row, column = plane[0] // 2, plane[1] // 2
    heights, widths = layer.field.height, layer.field.width
    return {
        "size": [heights.size, widths.size],
        "stride": [heights.stride, widths.stride],
        "box": [
            heights.start + row * heights.stride,
            widths.start + column * widths.stride,
            heights.size,
            widths.size,
        ],
        "image": [shape[2], shape[3]],
    }


def answer_of(look: Look, name: str) -> dict[str, Any]:
    """The `answer` trait: the image as the net got it, as PNG, and what the net says."""
    from PIL import Image

    shown = look.shown
    written = io.BytesIO()
    Image.fromarray(shown).save(written, "PNG")
    found: dict[str, Any] = {"name": name, "width": shown.shape[1], "height": shown.shape[0]}
    found["image"] = written.getvalue()
    try:
        prediction = look.predict()
    except NetError as why:
        return found | {"classes": [], "shares": [], "why": str(why)}
    return found | {"classes": prediction.names, "shares": prediction.shares}


def _finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return float(value) if math.isfinite(value) else None
