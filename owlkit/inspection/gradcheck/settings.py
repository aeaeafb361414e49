"""What the user asked of a gradient check."""

from __future__ import annotations

from dataclasses import dataclass

from owlkit.core.errors import NetError


@dataclass(frozen=True)
class Settings:
    """See `owlkit.check_gradients`. blob, at : "" and None for all blobs of a layer and all elements."""

    elements: int | str = "auto"
    directions: int | None = None
    tolerance: float = 1e-5
    step: float = 1e-5
    seed: int = 0
    blob: str = ""
    at: tuple[int, ...] | None = None


class NotThere(NetError):
    """The one blob or element that was asked for does not exist."""
