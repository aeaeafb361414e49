"""How a gradient check gets into a cell's output: live while it runs, with a picture once it is over."""

from __future__ import annotations

from threading import Thread
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from . import cells
from .gradients import GradientWidget
from .still import live_bundle, show_live, shown_above


class GradientsView:
    """Shows reports in a notebook; one widget per report, whatever the number of cells that show it."""

    # ipywidgets keeps every widget until it is closed; so does this its report.
    _widgets: ClassVar[WeakKeyDictionary[Any, GradientWidget]] = WeakKeyDictionary()
    _shown_in: ClassVar[WeakKeyDictionary[Any, int]] = WeakKeyDictionary()

    @classmethod
    def widget(cls, report: Any) -> GradientWidget:
        """The widget of a report, made at the first call."""
        if report not in cls._widgets:
            cls._widgets[report] = GradientWidget(report, cells.source())
        return cls._widgets[report]

    @classmethod
    def display(cls, report: Any) -> None:
        """Show the check as output of the present cell; it gets its picture when it is over."""
        from .picture_png import warm_up

        widget = cls.widget(report)
        cls._shown_in[report] = cells.number()
        give = show_live(widget)

        def end() -> None:
            if report.course.state == "done":
                give(widget.picture())

        report.course.listeners.append(end)
        # matplotlib takes a second to import: not when the check is over and somebody waits for it.
        Thread(target=warm_up, name="owlkit-picture", daemon=True).start()

    @classmethod
    def mimebundle(cls, report: Any) -> dict[str, Any]:
        """The report as MIME types. In the cell that shows it live already: words only."""
        if cls._shown_in.get(report) == cells.number():
            return shown_above(report.title)
        widget = cls.widget(report)
        picture = widget.picture() if report.course.state == "done" else None
        return live_bundle(widget, picture) | {"text/plain": repr(report)}
