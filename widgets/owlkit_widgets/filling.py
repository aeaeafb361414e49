"""Views of what goes on filling after its cell has ended: it is seen at once, its picture follows."""

from __future__ import annotations

from typing import Any

from .still import live_bundle, shown_above, still_bundle

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
        from IPython.display import display

        widget = cls.widget(shown)
        live = display(live_bundle(widget, None), raw=True, display_id=True)
        still = display(still_bundle(widget, None), raw=True, display_id=True)

        widget.settled.wait(PATIENCE_SECONDS)
        if not widget.settled.is_set():
            # The live output stays as it is then: made anew, it would lose the focus of who works with it.
            widget.on_settled.append(lambda: still.update(still_bundle(widget, widget.picture()), raw=True))
        picture = widget.picture()
        live.update(live_bundle(widget, picture), raw=True)
        still.update(still_bundle(widget, picture), raw=True)

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its picture outlives the kernel."""
        cls.display(shown)
        return shown_above(repr(shown))
