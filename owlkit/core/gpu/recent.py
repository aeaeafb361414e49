"""What was made for a key, kept for who asks again, but not for ever."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Recent:
    """The `most` values that were asked for last. For any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """The value for a key, None where there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: Hashable, value: Any) -> None:
        """Keep a value, which is not None, in place of what was asked for longest ago."""
        dropped = []  # when the lock is free again: what values do at their end is not known
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                dropped.append(self._values.popitem(last=False)[1])

    def clear(self) -> None:
        """Drop all."""
        with self._lock:
            dropped = list(self._values.values())
            self._values.clear()
        dropped.clear()

    def __len__(self) -> int:
        return len(self._values)
