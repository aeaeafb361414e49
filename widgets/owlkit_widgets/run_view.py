"""How a run gets into a cell's output.

A run's output is two displays. The first holds the live widget and, once the run has ended, a picture
beside it for viewers that know no widgets (nbconvert, code hosting). The second holds the picture as HTML:
JupyterLab shows it in place of the widget when a saved notebook is opened without the kernel that made it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from .frontend import WIDGET_VIEW

if TYPE_CHECKING:
    from .monitor import Monitor

# Without a style sheet the figure stays hidden, so no viewer shows the picture twice. `.owl` is the live
# widget: where it is, the picture goes; where it is not, the widget's own output ("model not found") goes.
_STYLE = """<style>
.owl-static[hidden] { display: block; margin: 0; }
.owl-static img { max-width: 100%; height: auto; display: block; }
.jp-OutputArea-child:not(:has(.owl)):has(+ .jp-OutputArea-child .owl-static) { display: none; }
.jp-OutputArea-child:has(.owl) + .jp-OutputArea-child:has(.owl-static) { display: none; }
</style>"""


class RunView:
    """Shows runs in a notebook; one monitor per run, whatever the number of cells that show it."""

    # ipywidgets keeps every widget until it is closed; so does this its run.
    _monitors: ClassVar[WeakKeyDictionary[Any, Monitor]] = WeakKeyDictionary()

    @classmethod
    def monitor(cls, run: Any) -> Monitor:
        """The monitor of a run, made at the first call."""
        from .monitor import Monitor

        if run not in cls._monitors:
            cls._monitors[run] = Monitor(run)
        return cls._monitors[run]

    @classmethod
    def display(cls, run: Any, compare: Sequence[Any] = ()) -> None:
        """Show the live monitor as output of the present cell; it becomes a picture when the run ends.

        compare : further runs, laid over the curve. Raises ValueError beyond four in all.
        """
        from IPython.display import display

        from .picture import warm_up

        monitor = cls.monitor(run)
        monitor.compare(*compare)
        live = display(cls.mimebundle(run), raw=True, display_id=True)
        still = display(_still(monitor), raw=True, display_id=True)

        def end(ended: Monitor) -> None:
            live.update(cls.mimebundle(run), raw=True)
            still.update(_still(ended), raw=True)

        monitor.on_end.append(end)
        # matplotlib takes a second to import: not when the run has ended and somebody waits for it.
        Thread(target=warm_up, name="owlkit-picture", daemon=True).start()

    @classmethod
    def mimebundle(cls, run: Any) -> dict[str, Any]:
        """The run as MIME types: the live widget, words, and once it has ended a picture."""
        monitor = cls.monitor(run)
        bundle: dict[str, Any] = {"text/plain": repr(monitor)}
        bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": monitor.model_id}
        if monitor.recorder.over:
            bundle["image/png"] = base64.b64encode(monitor.picture()).decode("ascii")
        return bundle


def _still(monitor: Monitor) -> dict[str, Any]:
    """The second display: the picture as HTML, or an empty place for it while the run goes on."""
    if not monitor.recorder.over:
        return {"text/html": f'<figure class="owl-static" hidden></figure>{_STYLE}', "text/plain": ""}
    image = base64.b64encode(monitor.picture()).decode("ascii")
    words = html.escape(repr(monitor).strip("<>"), quote=True)
    picture = f'<img alt="{words}" src="data:image/png;base64,{image}">'
    figure = f'<figure class="owl-static" hidden>{picture}</figure>'
    return {"text/html": figure + _STYLE, "text/plain": ""}
