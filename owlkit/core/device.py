"""Where a net runs, which kernel implementations serve there, and the scratch memory they share."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import DeviceError, closest
from owlkit.core.lane import Lane
from owlkit.core.memory import Memory, allocate
from owlkit.core.tensor import Descriptor

if TYPE_CHECKING:
    from owlkit.core.blob import Blob


class Device:
    """A place to run nets. Each takes one of its own (`for_net`), so that nets in different threads share no
    scratch memory.

    name : "cpu".
    implementations : kernel implementations in order of preference.
    filters_channels_last : whether four-dimensional filters lie channels-last in memory, as activations do.
    """

    filters_channels_last = False

    def __init__(self, name: str, implementations: tuple[str, ...]) -> None:
        self.name = name
        self.implementations = implementations
        self._scratch_bytes = 0
        self._lock = threading.Lock()  # nets on one GPU may be planned in several threads
        self._scratch: np.ndarray | None = None

    def for_net(self) -> Device:
        """A device like this for one net, with scratch memory of its own: calls are bound to its address."""
        mine = copy.copy(self)
        mine._scratch_bytes, mine._scratch, mine._lock = 0, None, threading.Lock()
        return mine

    def reserve_scratch(self, nbytes: int) -> None:
        """Announce that some kernel will need `nbytes` of memory during one call."""
        with self._lock:
            self._scratch_bytes = max(self._scratch_bytes, nbytes)

    def scratch(self) -> np.ndarray:
        """Memory for use during one kernel call, uint8, of the largest size that was reserved."""
        if self._scratch is None or self._scratch.size < self._scratch_bytes:
            self._scratch = allocate(self._scratch_bytes)
        return self._scratch

    def place(self, total: int, places: Sequence[tuple[int, int, Memory]]) -> None:
        """Let memories share one piece of `total` bytes, each (offset, length, memory) at its place."""
        piece = allocate(total)
        for offset, length, memory in places:
            memory.use(piece[offset : offset + length])

    def lanes(self, descriptors: Sequence[Descriptor], count: int) -> list[Lane]:
        """Memory in which another thread prepares `count` batches ahead, for tensors of these descriptors."""
        return [Lane(descriptors) for _ in range(count)]

    def lane_bytes(self, descriptors: Sequence[Descriptor], count: int) -> int:
        """Bytes that `lanes` takes of the device's own memory, beside that of the host."""
        return 0

    def array(self, blob: Blob, role: str) -> Any:
        """What `blob.data` or `blob.diff` (role) is in this device's own memory: NumPy's array on a CPU.

        What a Python layer with `device_arrays` computes on; a GPU's device gives CuPy arrays in its place.
        """
        return getattr(blob, role)

    def in_order(self) -> AbstractContextManager[None]:
        """For what somebody computes on such arrays: behind what the device was given before, and before what
        it is given later.
        """
        return nullcontext()

    @property
    def scratch_bytes(self) -> int:
        return self._scratch_bytes

    def __repr__(self) -> str:
        return f"Device({self.name!r}, {', '.join(self.implementations)})"


_IMPLEMENTATIONS = {"cpu": ("onednn", "threads", "reference")}


def resolve_device(device: str | Device | None) -> Device:
    """A device for one net from its name: "cpu", "gpu" ("cuda"), "gpu:1"; None means the default.

    A Device gives what its `for_net` does. The default is the first GPU where there is one and CuPy is
    installed, otherwise the CPU.
    Raises DeviceError for an unknown name, or for a GPU that is not there or cannot be used, with what to do.
    """
    if isinstance(device, Device):
        return device.for_net()
    name = device.lower() if device else _default()
    if name.partition(":")[0] in ("gpu", "cuda"):
        from owlkit.core.gpu.device import open_device

        return open_device(name)
    if name not in _IMPLEMENTATIONS:
        raise DeviceError(f"unknown device {device!r}{closest(name, _IMPLEMENTATIONS)}; use 'cpu' or 'gpu'")
    return Device(name, _IMPLEMENTATIONS[name])


def _default() -> str:
    from owlkit.core.gpu.detection import obstacle

    return "cpu" if obstacle(0) else "gpu"
