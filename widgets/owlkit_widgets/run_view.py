"""How a run gets into a cell's output: live, and as a picture once it has ended (see `still`)."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from .still import live_bundle, still_bundle

if TYPE_CHECKING:
    from .monitor import Monitor


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
        still = display(still_bundle(monitor, _picture(monitor)), raw=True, display_id=True)

        def end(ended: Monitor) -> None:
            live.update(cls.mimebundle(run), raw=True)
            still.update(still_bundle(ended, _picture(ended)), raw=True)

        monitor.on_end.append(end)
        # matplotlib takes a second to import: not when the run has ended and somebody waits for it.
        Thread(target=warm_up, name="owlkit-picture", daemon=True).start()

    @classmethod
    def mimebundle(cls, run: Any) -> dict[str, Any]:
        """The run as MIME types: the live widget, words, and once it has ended a picture."""
        monitor = cls.monitor(run)
        return live_bundle(monitor, _picture(monitor))


def _picture(monitor: Monitor) -> bytes | None:
    return monitor.picture() if monitor.recorder.over else None
