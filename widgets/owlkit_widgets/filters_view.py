"""How filters get into a cell's output: the live widget, and the figure for viewers that know no widgets."""

from __future__ import annotations

import io
from typing import Any

from .still import live_bundle, shown_above, still_bundle


class FiltersView:
    """Shows what `owlkit.show_filters` gave; a widget per output, since each is looked at in its own way."""

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell."""
        from IPython.display import display

        from .filters import FiltersWidget

        widget = FiltersWidget(shown)
        written = io.BytesIO()
        shown.figure().savefig(written, format="png", dpi=100)
        display(live_bundle(widget, written.getvalue()), raw=True)
        display(still_bundle(widget, written.getvalue()), raw=True)

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its picture outlives the kernel."""
        cls.display(shown)
        return shown_above(repr(shown))
