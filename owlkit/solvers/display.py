"""What a solver shows of the training net at its display interval."""

from __future__ import annotations

from typing import Any

from owlkit.solvers.testing import flatten_outputs


def displayed_outputs(net: Any) -> tuple[dict[str, float], dict[str, float]]:
    """(output -> value, output -> loss weight) of the present batch."""
    outputs = flatten_outputs({name: net.blobs[name].peek() for name in net.outputs})
    weights = {
        top: weight
        for layer in net.layers
        for top, weight in zip(net.top_names[layer.name], layer.loss_weights, strict=False)
    }
    return outputs, {name: weights.get(name, 0.0) for name in outputs}
