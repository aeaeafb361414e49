"""Memory of this process and machine, without a dependency. None where the system does not tell."""

from __future__ import annotations

import os
from pathlib import Path

_STATM = Path("/proc/self/statm")  # Linux: sizes in pages, the second is what is resident


def memory_used() -> int | None:
    """Resident bytes of this process."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError, IndexError):
        return None


def memory_total() -> int | None:
    """Bytes of physical memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
