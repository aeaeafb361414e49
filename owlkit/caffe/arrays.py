"""Arrays in C order over a net's blobs, whatever their order in memory.

owlkit keeps activations with four axes channels-last. pycaffe's users get arrays in C order that stay alive:
what they write is what the net reads, and after a pass they show the new values, reshaped views included.
Where memory lies otherwise, an array handed out is therefore a copy that is put in before a pass and taken
out after it; once nobody holds it any more it costs nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from owlkit.core.blob import Blob

ROLES = ("data", "diff")


class _HandedOut:
    """A C-order copy of a blob's data or diff.

    It is held until the next pass, which has to read what was written to it; after that, as long as the user
    holds it.
    """

    def __init__(self, blob: Blob, role: str, source: np.ndarray) -> None:
        self.blob, self.role = blob, role
        self._held: np.ndarray | None = np.ascontiguousarray(source)
        self._reference = weakref.ref(self._held)

    @property
    def array(self) -> np.ndarray | None:
        return self._reference()

    def hold(self) -> np.ndarray | None:
        self._held = self._reference()
        return self._held

    def put_in(self) -> None:
        source, target = self.array, getattr(self.blob, self.role)
        if source is not None and source.shape == target.shape:
            target[...] = source
        self._held = None

    def take_out(self) -> None:
        target, source = self.array, getattr(self.blob, self.role)
        if target is not None and source.shape == target.shape:
            target[...] = source


class Arrays:
    """The C-order arrays that were handed out for the blobs of one net."""

    def __init__(self) -> None:
        self._handed_out: dict[tuple[int, str], _HandedOut] = {}
        self._running = False

    def of(self, blob: Blob, role: str) -> np.ndarray:
        """`data` or `diff` of a blob, C order, writable; the same array while it is in use."""
        memory: np.ndarray = getattr(blob, role)
        if memory.flags.c_contiguous:
            return memory
        # Blobs that share memory (the tops of a Split) share the array.
        key = (memory.ctypes.data, role)
        known = self._handed_out.get(key)
        array = known.hold() if known is not None and not self._running else None
        if array is None or array.shape != memory.shape:
            known = self._handed_out[key] = _HandedOut(blob, role, memory)
            array = known.array
            assert array is not None
        return array

    def put_in(self) -> None:
        """Let the net see what was written to the arrays."""
        for entry in self._handed_out.values():
            entry.put_in()
        self._handed_out = {k: entry for k, entry in self._handed_out.items() if entry.array is not None}

    def take_out(self) -> None:
        """Let the arrays show what the net holds."""
        for entry in self._handed_out.values():
            entry.take_out()

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Around whatever runs the net."""
        self.put_in()
        try:
            yield
        finally:
            self.take_out()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Around the user's code in the middle of a pass."""
        self.take_out()
        try:
            yield
        finally:
            self.put_in()
