"""Functions that are called around each layer of a pass."""

from __future__ import annotations

from collections.abc import Callable

from owlkit.core.errors import NetError, closest

MOMENTS = ("before_forward", "after_forward", "before_backward", "after_backward")


class LayerWatchers:
    """Functions by moment; each is called with the number of the layer, in the order in which they came."""

    def __init__(self) -> None:
        self._found: dict[str, list[Callable[[int], None]]] = {}

    def add(self, moment: str, watcher: Callable[[int], None]) -> None:
        """Raises NetError for a moment that there is not."""
        if moment not in MOMENTS:
            near = closest(moment, MOMENTS)
            raise NetError(f"layers are watched {', '.join(MOMENTS)}, not {moment!r}{near}")
        self._found.setdefault(moment, []).append(watcher)

    def tell(self, moment: str, layer: int) -> None:
        for watcher in self._found.get(moment, ()):
            watcher(layer)

    def __bool__(self) -> bool:
        return bool(self._found)
