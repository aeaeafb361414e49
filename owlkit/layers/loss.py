"""What loss layers share: their tops and weight, and how a sum over a batch is normalised."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from owlkit.core.blob import Blob
from owlkit.kernels.losses import BATCH_SIZE, VALID
from owlkit.layers.agreement import to_hold_as_many
from owlkit.layers.base import Arity, Blobs, Layer

log = logging.getLogger("owlkit")


class LossLayer(Layer):
    """One scalar top, made up where the definition names none, with loss weight 1 unless it gives another.

    The net's total loss is the sum of loss_weight * top. Backward starts from the weight, which the net has
    put into `top[0].diff`.
    honours_loss_param : whether loss_param changes anything; where it does not, as in Caffe, giving it is
    remarked with a warning.
    """

    honours_loss_param: ClassVar[bool] = False

    bottoms = Arity.exactly(2)
    no_gradient: tuple[int, ...] = (1,)
    wide_bottoms: ClassVar[tuple[int, ...]] = (1,)
    wide_tops = (0,)
    auto_tops = True
    default_loss_weight = 1.0

    def __init__(self, param: Any, phase: str, rng: np.random.Generator | None = None) -> None:
        super().__init__(param, phase, rng)
        if not self.honours_loss_param and param.HasField("loss_param"):
            given = ", ".join(field.name for field, _ in param.loss_param.ListFields()) or "loss_param"
            log.warning("%s (%s): %s has no effect on this loss, as in Caffe", self.name, self.type, given)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].shape[:1] != bottom[1].shape[:1]:
            raise self.error(
                f"bottoms {_named(bottom[0])} and {_named(bottom[1])} must "
                "have the same first axis (the batch): take both from the same data layer, or give their "
                "data layers the same batch_size; a Reshape before may have changed it"
            )
        top[0].reshape(())

    def same_count(self, bottom: Blobs) -> None:
        """NetError unless both bottoms hold equally many values."""
        if bottom[0].count != bottom[1].count:
            raise self.error(
                f"bottoms {_named(bottom[0])} and {_named(bottom[1])} must "
                f"hold equally many values, found {bottom[0].count} and {bottom[1].count}: "
                f"{to_hold_as_many(*bottom[:2])}"
            )

    def refuse_label_gradient(self, propagate_down: Sequence[bool], labels: Blob, index: int = 1) -> None:
        """NetError where a gradient with respect to the labels, bottom `index`, is asked for, as in Caffe."""
        if propagate_down[index]:
            raise self.error(
                "cannot backpropagate to labels; give propagate_down: false for them, or take force_backward "
                "away",
                labels,
            )

    def ignore_label(self) -> int | None:
        """`loss_param.ignore_label`, None where it is not given."""
        param = self.param.loss_param
        return param.ignore_label if param.HasField("ignore_label") else None

    def normalization(self, default: int) -> int:
        """The mode in force. `normalize` is the old spelling: true means VALID, false means BATCH_SIZE."""
        param = self.param.loss_param
        if param.HasField("normalization"):
            return int(param.normalization)
        if param.HasField("normalize"):
            return VALID if param.normalize else BATCH_SIZE
        return default


def _named(blob: Blob) -> str:
    return f"{blob.given_name!r} {blob.shape}"
