"""How heatmaps and saliency get into a cell's output: live, and as the figure."""

from __future__ import annotations

from typing import Any

from .activations_view import show_live
from .still import shown_above


class DriversView:
    """Shows what `owlkit.show_heatmap` and `owlkit.show_saliency` gave; a widget per output."""

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell."""
        from .drivers import DriversWidget

        show_live(DriversWidget(shown), shown)

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any] | None:
        """The value of a cell: shown above it, so that its picture outlives the kernel.

        None, for the figure alone, where something was made by hand and there is no net to go on with.
        """
        if shown.net is None:
            return None
        cls.display(shown)
        return shown_above(repr(shown))
