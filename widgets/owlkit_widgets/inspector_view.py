"""How an inspector gets into a cell's output: live, and as graph and table for viewers without widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from .still import STYLE, live_bundle, shown_above

if TYPE_CHECKING:
    from .inspector import InspectorWidget

MOST_ROWS = 200  # of a table that is kept in a notebook


class InspectorView:
    """Shows inspectors in a notebook; one widget per inspector, whatever the number of cells that show it."""

    # ipywidgets keeps every widget until it is closed; so does this its inspector.
    _widgets: ClassVar[WeakKeyDictionary[Any, InspectorWidget]] = WeakKeyDictionary()

    @classmethod
    def widget(cls, inspector: Any) -> InspectorWidget:
        """The widget of an inspector, made at the first call."""
        from .inspector import InspectorWidget

        if inspector not in cls._widgets:
            cls._widgets[inspector] = InspectorWidget(inspector)
        return cls._widgets[inspector]

    @classmethod
    def display(cls, inspector: Any) -> None:
        """Show it as output of the present cell."""
        from IPython.display import display

        display(live_bundle(cls.widget(inspector), None), raw=True)
        display(_still(inspector), raw=True)

    @classmethod
    def mimebundle(cls, inspector: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its graph outlives the kernel."""
        cls.display(inspector)
        return shown_above(inspector.title)


def _still(inspector: Any) -> dict[str, Any]:
    """Graph and table, hidden beside the live widget; of a very long net the graph alone."""
    short = len(inspector.layers) <= MOST_ROWS
    content = inspector._repr_html_() if short else f'<div style="overflow-x:auto">{inspector.svg()}</div>'
    return {"text/html": f'<figure class="owl-static" hidden>{content}</figure>{STYLE}', "text/plain": ""}
