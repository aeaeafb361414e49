"""What kernels of losses share: the labels they are given, and what a sum over a batch is divided by."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from owlkit.core.errors import DeviceError
from owlkit.core.tensor import Tensor

FULL, VALID, BATCH_SIZE, NONE = range(4)  # LossParameter.NormalizationMode
LEAST_PROBABILITY = 1e-20  # Caffe's kLOG_THRESHOLD


class Labels(Protocol):
    """The class labels of a batch, one per row of scores in memory order."""

    def targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        """(targets, ignored) on the host: (rows,) int64 in [0, classes), and (rows,) bool or None where no
        row is.

        Raises DataError for a label that is not allowed.
        """

    def tensor(self) -> Tensor | None:
        """The labels as they are, (rows,) numbers in memory order; None where they lie in another order."""


def on_device(labels: Labels) -> Tensor:
    """The labels as a kernel on a GPU reads them.

    Raises DeviceError for labels in another order than the scores, as four axes of labels for five of scores.
    """
    tensor = labels.tensor()
    if tensor is None:
        raise DeviceError(
            "labels with four axes lie channels-last, other than scores of five axes need them on a GPU; "
            "give the labels three axes or five (Reshape), or use device='cpu'"
        )
    return tensor


def normalizer(mode: int, batch: int, positions: int, valid: int) -> float:
    """What a loss is divided by; at least 1, so that a batch with nothing valid in it gives 0, not NaN.

    batch : outer axes. positions : all places that have a label. valid : those that are not ignored.
    """
    return float(max(1, {FULL: positions, VALID: valid, BATCH_SIZE: batch, NONE: 1}[mode]))
