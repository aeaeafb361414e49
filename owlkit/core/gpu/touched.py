"""Which mirrors the host has used lately, so that a replay need not ask hundreds of them."""

from __future__ import annotations

import threading
from collections.abc import Collection

MOST = 10_000  # entries that are kept; who comes later than that asks all


class Touched:
    """A log of identities of mirrors, in the order in which the host used them. For any thread."""

    def __init__(self) -> None:
        self._entries: list[int] = []
        self._start = 0  # the number of the first entry that is kept
        self._lock = threading.Lock()

    def add(self, mirror: object) -> None:
        """The host uses it. Said after its flags were changed, or a replay between the two would miss it."""
        self._entries.append(id(mirror))
        if len(self._entries) > MOST:
            with self._lock:
                dropped = len(self._entries) // 2
                del self._entries[:dropped]
                self._start += dropped

    def since(self, position: int) -> tuple[Collection[int] | None, int]:
        """(the entries from number `position` on, the number of the next); None where some are gone."""
        with self._lock:
            end = self._start + len(self._entries)
            if position < self._start:
                return None, end
            return self._entries[position - self._start :], end
