"""What the implementations on the host share: labels are read and checked, ranks become shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.losses import Labels

if TYPE_CHECKING:
    from owlkit.kernels.rank import Rank


class HostKernel:
    """Base of a kernel that has

    below(x, targets) : per position the number of classes k with x[k] < x[target], (positions,), in a dtype
        that holds it. Nothing is below NaN, which is so never right.
    """

    def __init__(self, device: Device, spec: Rank) -> None:
        self._classes = spec.x.shape[spec.axis]
        self._least = self._classes - spec.top_k

    def below(self, x: Tensor, targets: np.ndarray) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} does not define below")

    def forward(self, x: Tensor, labels: Labels, share: Tensor, shares: Tensor | None = None) -> None:
        targets, ignored = labels.targets()
        right = self.below(x, targets) >= self._least
        if ignored is not None:
            right, targets = right[~ignored], targets[~ignored]
        share.array[...] = np.count_nonzero(right) / max(right.size, 1)
        if shares is not None:
            seen = np.bincount(targets, minlength=self._classes)
            shares.array[...] = np.bincount(targets, right, self._classes) / np.maximum(seen, 1)
