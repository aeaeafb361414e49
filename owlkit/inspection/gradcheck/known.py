"""Layers whose gradient in Caffe is not the true one. owlkit follows Caffe; the check says so and goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from owlkit.layers.base import Layer


@dataclass(frozen=True)
class Known:
    """type : of the layer. applies : to (layer, index of the bottom or -1: a learned blob, bottoms)."""

    type: str
    applies: Callable[[Layer, int, int], bool]
    reason: str


def _exposes_hidden(layer: Layer) -> bool:
    return bool(layer.param.recurrent_param.expose_hidden)


def _unwritten_state(layer: Layer, index: int, bottoms: int) -> bool:
    """The last bottoms are h_0 (RNN), or h_0 and c_0 (LSTM)."""
    states = 2 if layer.type == "LSTM" else 1
    return _exposes_hidden(layer) and index >= bottoms - states


_STATES = "with expose_hidden Caffe never writes the gradients of the first state"

KNOWN = (
    Known(
        "MVN",
        lambda layer, index, bottoms: bool(layer.param.mvn_param.normalize_variance),
        "divides by sqrt(var) + eps, but its backward leaves eps out of the variance's derivative",
    ),
    Known(
        "ContrastiveLoss",
        lambda layer, index, bottoms: not layer.param.contrastive_loss_param.legacy_version,
        "divides the gradient of dissimilar pairs by their distance + 1e-4",
    ),
    Known("RNN", _unwritten_state, _STATES),
    Known("LSTM", _unwritten_state, _STATES),
)


def reason(layer: Layer, index: int, bottoms: int) -> str:
    """Why Caffe's gradient of that bottom (-1: of a learned blob) is not the true one; "" where it is."""
    mine = (known for known in KNOWN if known.type == layer.type)
    found = (known.reason for known in mine if known.applies(layer, index, bottoms))
    return next(found, "")


def carries_gradient(layer: Layer, top: int) -> bool:
    """Whether backward reads the diff of that top.

    A loss has one top with a gradient (what SoftmaxWithLoss shows besides is for looking at), and Caffe's
    recurrent layers ignore the diffs of the last state.
    """
    if layer.default_loss_weight or type(layer).auto_tops:
        return top == 0
    return top == 0 or not (layer.type in ("RNN", "LSTM") and _exposes_hidden(layer))
