"""Remarks on losses and weights that look wrong."""

from __future__ import annotations

import math
from typing import Any

from owlkit.kernels.losses import BATCH_SIZE, FULL, VALID

SATURATED = 87.3365  # -ln(smallest normal float32): what softmax loss gives for a probability of 0
STUCK = 5
"""Losses in a row that make one that sticks: a batch of one image, or of one class, may have it by chance."""


def mean_softmax_loss(net: Any) -> tuple[float, int] | None:
    """(loss weight, classes) where the loss is one SoftmaxWithLoss, a mean over labels; None for all others.

    Divided by something else than its labels (loss_param.normalization) it may have any size.
    """
    losses = [layer for layer in net.layers if any(layer.loss_weights)]
    if len(losses) != 1 or losses[0].type != "SoftmaxWithLoss":
        return None
    layer = losses[0]
    mode, axis = layer.normalization(default=VALID), layer.axis
    scores = net.blobs[net.bottom_names[layer.name][0]].shape
    one_each = math.prod(scores[axis + 1 :]) == 1
    by_count = mode == FULL or (mode == BATCH_SIZE and one_each)
    if not (mode == VALID or (by_count and layer.ignore_label() is None)):
        return None
    return (layer.loss_weights[0], scores[axis]) if scores[axis] > 1 else None


def remark_first_loss(net: Any, loss: float) -> str:
    """What to say about the first loss of a net with fresh weights; empty where it looks right.

    A classifier that knows nothing loses ln(classes). Up to half of it more (at least 1) passes.
    """
    found = mean_softmax_loss(net)
    if found is None:
        return ""
    weight, classes = found
    usual = weight * math.log(classes)
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


class Saturation:
    """Looks for a loss that sticks where every label has a probability of 0.

    The scores are then so large that float32 has no smaller probability. Said once, until the loss moves.
    """

    def __init__(self, net: Any) -> None:
        found = mean_softmax_loss(net)
        self._weight = found[0] if found is not None else 0.0
        self._seen = 0

    def remark(self, loss: float) -> str:
        """What to say about the loss of an iteration; mostly nothing."""
        limit = self._weight * SATURATED
        if not self._weight or abs(loss - limit) > 1e-4 * abs(limit):
            self._seen = 0
            return ""
        self._seen += 1
        if self._seen != STUCK:
            return ""
        return (
            f"the loss sticks at {loss:.4g}, for {STUCK} iterations now: every label gets a probability of "
            "0, because the scores have grown too large. Go back to a snapshot, or start again, with a lower "
            "base_lr or clip_gradients, or scale the input"
        )
