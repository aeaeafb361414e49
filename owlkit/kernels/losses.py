"""What kernels of losses share: the labels they are given, and what a sum over a batch is divided by."""

from __future__ import annotations

from typing import Protocol

import numpy as np

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

    def tensor(self) -> Tensor:
        """The labels as they are, unchecked, (rows,) numbers in memory order, for kernels on a GPU."""


def normalizer(mode: int, batch: int, positions: int, valid: int) -> float:
    """What a loss is divided by; at least 1, so that a batch with nothing valid in it gives 0, not NaN.

    batch : outer axes. positions : all places that have a label. valid : those that are not ignored.
    """
    return float(max(1, {FULL: positions, VALID: valid, BATCH_SIZE: batch, NONE: 1}[mode]))
