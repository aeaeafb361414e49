"""How filters get into a cell's output: the live widget, and the figure for viewers that know no widgets."""

from __future__ import annotations

from typing import Any

from .activations_view import show_live
from .still import shown_above


class FiltersView:
    """Shows what `owlkit.show_filters` gave; a widget per output, since each is looked at in its own way."""

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell."""
        from .filters import FiltersWidget

        show_live(FiltersWidget(shown), shown)

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its picture outlives the kernel."""
        cls.display(shown)
        return shown_above(repr(shown))
