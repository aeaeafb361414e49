"""How a run gets into a cell's output: live, and as a picture once it has ended (see `still`)."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from . import cells
from .still import show_live, shown_above

if TYPE_CHECKING:
    from .monitor import Monitor


class RunView:
    """Shows runs in a notebook; one monitor per run, whatever the number of cells that show it."""

    # ipywidgets keeps every widget until it is closed; so does this its run.
    _monitors: ClassVar[WeakKeyDictionary[Any, Monitor]] = WeakKeyDictionary()
    _shown_in: ClassVar[WeakKeyDictionary[Any, int]] = WeakKeyDictionary()

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
        from .picture import warm_up

        monitor = cls.monitor(run)
        monitor.compare(*compare)
        cls._shown_in[run] = cells.number()
        give = show_live(monitor, _picture(monitor))
        monitor.on_end.append(lambda ended: give(_picture(ended)))
        # matplotlib takes a second to import: not when the run has ended and somebody waits for it.
        Thread(target=warm_up, name="owlkit-picture", daemon=True).start()

    @classmethod
    def mimebundle(cls, run: Any) -> dict[str, Any]:
        """The value of a cell: shown above it. Its picture follows, also where it ends in a later cell."""
        number = cells.number()
        if not number or cls._shown_in.get(run) != number:  # `owl.train(...)` has shown it in its own cell
            cls.display(run)
        return shown_above(repr(cls.monitor(run)))


def _picture(monitor: Monitor) -> bytes | None:
    return monitor.picture() if monitor.recorder.over else None
