"""What a layer's step takes of memory beside the net's blobs: to be counted before it is taken."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.memory import Memory


@dataclass(frozen=True)
class Claims:
    """device : whose scratch memory its kernels share with others. hidden : blobs that nobody sees, as
    versions beneath a visible one. own : what its kernels keep, while they are there.
    """

    device: Device
    hidden: Sequence[Blob]
    own: Sequence[weakref.ref[Memory]]

    @property
    def memories(self) -> list[Memory]:
        """What the kernels keep now."""
        return [memory for kept in self.own if (memory := kept()) is not None]
