"""Remarks on losses and weights that look wrong."""

from __future__ import annotations

import math
from typing import Any

SATURATED = 87.336  # -ln(smallest normal float32): what softmax loss gives for a probability of 0


def expected_first_loss(net: Any) -> tuple[float, int] | None:
    """(ln(classes) times loss weight, classes) for a net with a single SoftmaxWithLoss; None for all
    others."""
    losses = [layer for layer in net.layers if any(layer.loss_weights)]
    if len(losses) != 1 or losses[0].type != "SoftmaxWithLoss":
        return None
    layer = losses[0]
    scores = net.blobs[net.bottom_names[layer.name][0]].shape
    classes = scores[layer.param.softmax_param.axis]
    return (layer.loss_weights[0] * math.log(classes), classes) if classes > 1 else None


def remark_first_loss(net: Any, loss: float) -> str:
    """What to say about the first loss of a net with fresh weights; empty where it looks right.

    A classifier that knows nothing loses ln(classes). Up to half of it more (at least 1) passes.
    """
    expected = expected_first_loss(net)
    if expected is None:
        return ""
    usual, classes = expected
    if 0.3 * usual <= loss <= usual + max(1.0, 0.5 * usual):
        return ""
    advice = "scale the input or lower the fillers' std" if loss > usual else "are all labels of one class?"
    return f"the first loss is {loss:.4g}; ln({classes} classes) = {usual:.4g} is usual: {advice}"


def remark_zero_weights(net: Any) -> str:
    """What to say about weights that are still all zero after an update: their layers will never learn."""
    names = net.zero_weights()
    if not names:
        return ""
    stuck = f"all weights of {', '.join(names)} are 0 and stay so"
    return f"{stuck}: give a weight_filler such as xavier (Caffe's default is constant 0)"


def remark_saturation(net: Any, loss: float) -> str:
    """What to say where the classifier gives the true class a probability of 0 throughout."""
    if expected_first_loss(net) is None or abs(loss - SATURATED) > 0.01:
        return ""
    return f"the loss sticks at {loss:.4g}, a probability of 0 for every true class: lower base_lr"
