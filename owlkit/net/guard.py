"""No update after a loss that is not finite, although the host reads losses only when the GPU has gone on."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import masters


class Guard:
    """Of a net on a GPU.

    losses : blobs. state : of the net's loss scale, where it has one; see `kernels.masters`.
    """

    def __init__(self, device: Device, losses: Sequence[Blob], state: Tensor | None = None) -> None:
        self.state = state if state is not None else Tensor(masters.STATE)
        self._pairs = [(masters.make_guard(device, blob.dtype), blob) for blob in losses]

    def judge(self) -> None:
        """Look at the losses, on the GPU; from the first that is not finite on, nothing is updated."""
        for kernel, blob in self._pairs:
            kernel.judge(blob.data_tensor, self.state)

    def reset(self) -> None:
        """Let updates be made again, whatever was found in losses and gradients so far."""
        self.state.array[[masters.FOUND, masters.STOPPED]] = 0
