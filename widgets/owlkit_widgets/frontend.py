"""The notebook front end that `owlkit` finds by the entry point `owlkit.frontends` = `jupyter`.

It knows which module has the view of each kind of thing that can be shown live, and loads it on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# `frontend_kind` of what is shown -> module and class of its view, which has display() and mimebundle()
VIEWS = {
    "run": "run_view:RunView",
    "gradients": "gradients_view:GradientsView",
    "filters": "filters_view:FiltersView",
    "inspector": "inspector_view:InspectorView",
    "activations": "activations_view:ActivationsView",
    "drivers": "drivers_view:DriversView",
    "patches": "patches_view:PatchesView",
    "embedding": "embedding_view:EmbeddingView",
}


class Frontend:
    """Hands what is to be shown to the view of its kind."""

    @classmethod
    def display(cls, shown: Any, **options: Any) -> bool:
        """Show it as output of the present cell; whether there is a view for it. Options are its view's."""
        view = cls.view(shown)
        if view is None:
            return False
        view.display(shown, **options)
        return True

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any] | None:
        """It as MIME types, None where there is no view for it."""
        view = cls.view(shown)
        return None if view is None else view.mimebundle(shown)

    @staticmethod
    def view(shown: Any) -> Any:
        """The class that shows things of this kind, None for an unknown kind."""
        place = VIEWS.get(shown.frontend_kind)
        if place is None:
            return None
        module, _, name = place.partition(":")
        return getattr(import_module(f"owlkit_widgets.{module}"), name)
