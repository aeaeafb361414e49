"""Memory of this process and machine, without a dependency. None where the system does not tell."""

from __future__ import annotations

import os

_STATM = "/proc/self/statm"  # Linux: sizes in pages, the second is what is resident


def memory_used() -> int | None:
    """Resident bytes of this process."""
    try:
        file = os.open(_STATM, os.O_RDONLY)  # an `open` of text would be most of what a look costs
        try:
            return int(os.read(file, 100).split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            os.close(file)
    except (OSError, ValueError, AttributeError, IndexError):
        return None


def memory_total() -> int | None:
    """Bytes of physical memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
