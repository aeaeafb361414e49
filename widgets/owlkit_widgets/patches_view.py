"""How top patches get into a cell's output: live while the images are looked through, and as the figure."""

from __future__ import annotations

from typing import Any

from .filling import FillingView


class PatchesView(FillingView):
    """Shows what `owlkit.show_top_patches` gave; a widget per output, each looked at in its own way."""

    @classmethod
    def widget(cls, shown: Any) -> Any:
        from .patches import PatchesWidget

        return PatchesWidget(shown)
