"""How embeddings get into a cell's output: live while the points are arranged, and as the figure."""

from __future__ import annotations

from typing import Any

from .filling import FillingView


class EmbeddingView(FillingView):
    """Shows what `owlkit.show_embedding` gave; a widget per output, each looked at in its own way."""

    @classmethod
    def widget(cls, shown: Any) -> Any:
        from .embedding import EmbeddingWidget

        return EmbeddingWidget(shown)
