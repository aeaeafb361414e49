"""Views of what goes on filling after its cell has ended: it is seen at once, its picture follows."""

from __future__ import annotations

import threading
from typing import Any

from .still import show_live, shown_above

PATIENCE_SECONDS = 2.0  # so long a cell waits: what is over by then has its picture in the cell's own output


class FillingView:
    """The widgets have `settled`, an event, `on_settled`, listeners, and `picture()`, PNG or None."""

    @classmethod
    def widget(cls, shown: Any) -> Any:
        """The live widget. Subclasses say which."""
        raise TypeError(f"{cls.__name__} does not define widget")

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell. What takes longer gets a picture of what there is so far,
        and its own when it has settled.
        """
        widget = cls.widget(shown)
        give = show_live(widget)
        turn = threading.Lock()  # the picture that is drawn last is the one that stays

        def follow() -> None:
            with turn:
                give(widget.picture())

        widget.settled.wait(PATIENCE_SECONDS)
        if not widget.settled.is_set():
            widget.on_settled.append(follow)
        follow()

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its picture outlives the kernel."""
        cls.display(shown)
        return shown_above(repr(shown))
