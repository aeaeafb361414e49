"""What the figures have in common: a widget in a notebook that has one, a matplotlib figure everywhere."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from owlkit.core import frontends
from owlkit.io.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def closed_figure(
    rows: int = 1, columns: int = 1, *, squeeze: bool = True, **options: Any
) -> tuple[Figure, Any]:
    """A matplotlib figure and its axes, as pyplot's `subplots` gives them; pyplot does not know it any more.

    pyplot has one present figure for all threads. So only the main thread asks it: to another a figure is
    given without it, lest it becomes the one that a cell draws into.
    """
    if threading.current_thread() is not threading.main_thread():
        from matplotlib.figure import Figure

        figure = Figure(**options)
        return figure, figure.subplots(rows, columns, squeeze=squeeze)
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(rows, columns, squeeze=squeeze, **options)
    plt.close(figure)
    figure.stale_callback = None  # after plt.ion() each stroke was asked of the window, which is gone
    return figure, axes


class Picture:
    """Something to look at. Subclasses hold the arrays it is made of, and draw them in `figure`."""

    frontend_kind = "picture"

    def figure(self) -> Figure:
        """A matplotlib figure, closed for pyplot: shown once, and ready for `savefig`."""
        raise TypeError(f"{type(self).__name__} does not define figure")

    def save(self, path: str | os.PathLike[str], *, dpi: float = 150) -> None:
        """Write the figure; the name's ending says the format (.png, .pdf, .svg)."""
        written = io.BytesIO()
        self.figure().savefig(written, format=os.fspath(path).rsplit(".", 1)[-1], dpi=dpi)
        write_bytes(Path(path), written.getvalue())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        bundle = frontends.mimebundle(self)
        if bundle is not None:
            return bundle
        written = io.BytesIO()
        self.figure().savefig(written, format="png", dpi=100)
        return {"text/plain": repr(self), "image/png": written.getvalue()}
