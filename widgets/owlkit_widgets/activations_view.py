"""How activations get into a cell's output: live, and as the figure for viewers that know no widgets."""

from __future__ import annotations

import io
from typing import Any

from .still import show_live as show_with
from .still import shown_above


class ActivationsView:
    """Shows what `owlkit.show_activations` gave; a widget per output, each looked at in its own way."""

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell."""
        from .activations import ActivationsWidget

        show_live(ActivationsWidget(shown), shown)

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any] | None:
        """The value of a cell: shown above it, so that its picture outlives the kernel.

        None, for the figure alone, where something was made by hand and there is no net to go on with.
        """
        if shown.net is None:
            return None
        cls.display(shown)
        return shown_above(repr(shown))


def show_live(widget: Any, shown: Any) -> None:
    """Outputs of the present cell: the live widget, and the figure of what is shown."""
    written = io.BytesIO()
    shown.figure().savefig(written, format="png", dpi=100)
    show_with(widget, written.getvalue())
