"""Small tensors kept beside, so that what a pass does to them can be undone.

On a GPU it is queued that a pass be made before anybody has seen the loss of the one before: from the first
loss on that is not finite, what was kept stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import choose
from owlkit.kernels.keep import cuda, reference


class KeepKernel(Protocol):
    """See `make`."""

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor], state: Tensor | None) -> None:
        """targets[i] = sources[i]; nothing where `state` (of `kernels.masters`, float32) has STOPPED set."""


def make(device: Device, spec: tuple[Descriptor, ...]) -> KeepKernel:
    """The kernel that copies tensors of these descriptors in one call."""
    found = {"cuda": cuda.KeepKernel, "reference": reference.KeepKernel}
    kernel: KeepKernel = choose(device, spec, found)
    return kernel
