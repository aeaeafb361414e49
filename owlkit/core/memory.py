"""Memory: bytes that blobs and tensors lie in, with a second copy on a GPU where a net runs there."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from owlkit.core.gpu.mirror import Mirror

ALIGNMENT = 64  # bytes: one cache line, one AVX-512 register


_allocating = threading.Lock()


def allocate(nbytes: int) -> np.ndarray:
    """Zeroed memory, (nbytes,) uint8, whose address is a multiple of `ALIGNMENT`.

    The system gives pages when they are first written to: what only a GPU uses costs no memory here.
    """
    raw = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes]


class Memory:
    """Lazily allocated bytes that several blobs may share.

    bytes : (n,) uint8 on the host; None until they are first required.
    cleared : the content counts as zero although nothing was written yet. The first writer overwrites instead
        of adding, so clearing the gradients of 61 million parameters touches no memory.
    mirror : the copy on a GPU; None where no kernel there has used it. Whoever reads or writes `bytes` of a
        memory with a mirror asks that first (`Tensor.array` does).
    keeper : the thread that trains by it, while it does. Of what lies on a GPU the others then get copies of
        their own: looking at the host's may undo an update, or leave there what was about to be overwritten.
    parts : for the memory of an arena, (offset in bytes, memory) of what lies in it: these are kept up to
        date one by one, so that looking at one parameter moves that one only.
    """

    __slots__ = ("__weakref__", "_flag", "_flags", "_whole", "bytes", "keeper", "mirror", "parts")

    def __init__(self, content: np.ndarray | None = None) -> None:
        self.bytes = content
        self._flags, self._flag = bytearray(1), 0
        self.mirror: Mirror | None = None
        self.keeper: int | None = None
        self.parts: list[tuple[int, Memory]] = []
        # Weakly: a circle would keep the memory after the net is dropped, until the garbage collector comes.
        self._whole: weakref.ref[Memory] | None = None

    @property
    def cleared(self) -> bool:
        return self._flags[self._flag] != 0

    @cleared.setter
    def cleared(self, value: bool) -> None:
        self._flags[self._flag] = value

    @property
    def kept(self) -> bool:
        """Whether the calling thread may only read it."""
        return self.mirror is not None and self.keeper not in (None, threading.get_ident())

    def require(self, nbytes: int) -> np.ndarray:
        """At least `nbytes` bytes; what was there is kept only where it is large enough."""
        if self.bytes is None or self.bytes.size < nbytes:
            with _allocating:  # a thread that looks must not take other bytes than the one that computes
                if self.bytes is None or self.bytes.size < nbytes:
                    self.use(allocate(nbytes))
                    self.cleared = False
        assert self.bytes is not None
        return self.bytes

    def use(self, content: np.ndarray) -> None:
        """Place the content into the given bytes."""
        self.bytes, self.mirror, self._whole = content, None, None

    @property
    def whole(self) -> Memory | None:
        """The arena's memory that this is a part of."""
        return self._whole() if self._whole is not None else None

    def divide(self, parts: list[tuple[int, Memory]]) -> None:
        """Make this the memory of an arena with these parts, (offset in bytes, memory)."""
        self.parts = parts
        for _, part in parts:
            part._whole = weakref.ref(self)


def share_flags(memories: Sequence[Memory]) -> bytearray:
    """Let the `cleared` flags of all these lie in one array, which is returned, in their order.

    A net has hundreds of gradients, and asks for and sets their flags several times in each iteration.
    """
    flags = bytearray(memory.cleared for memory in memories)
    for place, memory in enumerate(memories):
        memory._flags, memory._flag = flags, place
    return flags
