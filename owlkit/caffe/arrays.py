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
        self.memory = blob.memory(role)  # kept, so that its identity stays its own
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
        self._handed_out: dict[int, _HandedOut] = {}
        self._running = False

    def of(self, blob: Blob, role: str) -> np.ndarray:
        """`data` or `diff` of a blob, C order, writable; the same array while it is in use."""
        source: np.ndarray = getattr(blob, role)
        if source.flags.c_contiguous:
            return source
        # Blobs that share memory (the tops of a Split) share the array.
        key = id(blob.memory(role))
        known = self._handed_out.get(key)
        if known is not None and (array := known.hold()) is not None and array.shape == source.shape:
            if self._running:
                array[...] = source
            return array
        entry = self._handed_out[key] = _HandedOut(blob, role, source)
        made = entry.array
        assert made is not None
        return made

    def write(self, blob: Blob, role: str, values: np.ndarray) -> None:
        """Write all of `data` or `diff`; without a detour where nobody holds an array of it."""
        known = self._handed_out.get(id(blob.memory(role)))
        in_use = known is not None and known.array is not None
        target: np.ndarray = self.of(blob, role) if in_use else getattr(blob, role)
        target[...] = values

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
        """Around whatever runs the net; a Python layer that looks at arrays meanwhile can only read them."""
        self.put_in()
        self._running = True
        try:
            yield
        finally:
            self._running = False
            self.take_out()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Around the user's code between two layers of a pass."""
        self.take_out()
        self._running = False
        try:
            yield
        finally:
            self._running = True
            self.put_in()
