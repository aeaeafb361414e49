"""How an inspector gets into a cell's output: the live widget, and beside it the graph and table as HTML for
viewers that know no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from .frontend import WIDGET_VIEW

if TYPE_CHECKING:
    from .inspector import InspectorWidget


class InspectorView:
    """Shows inspectors in a notebook; one widget per inspector, whatever the number of cells that show it."""

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

        display(cls.mimebundle(inspector), raw=True)

    @classmethod
    def mimebundle(cls, inspector: Any) -> dict[str, Any]:
        """The inspector as MIME types: the live widget, words, and the graph and table as HTML."""
        widget = cls.widget(inspector)
        return {
            "text/plain": repr(inspector),
            "text/html": inspector._repr_html_(),
            WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id},
        }
