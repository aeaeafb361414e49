"""How numbers of bytes are written."""

from __future__ import annotations


def size(nbytes: float) -> str:
    """Bytes with a decimal unit: 1234567 -> "1.23 MB"."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if nbytes >= limit:
            return f"{nbytes / limit:.3g} {unit}"
    return f"{nbytes:g} B"
