"""How a run gets into a cell's output: live, and as a picture once it has ended (see `still`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from . import cells
from .still import show_live, shown_above

if TYPE_CHECKING:
    from .monitor import Monitor


#: Seconds of a run after which it is first drawn, and how many times as many there are before the next time.
FIRST_PICTURE, RARER = 10.0, 3.0


class Pictures:
    """Draws a run into its cell: now and then while it goes on, and when it has ended.

    A page that was loaded anew takes no more updates of what stands in it: what a cell has then, it keeps.
    """

    def __init__(self, monitor: Monitor, give: Callable[[bytes | None], None]) -> None:
        self._monitor, self._give = monitor, give
        self._turn, self._over = Lock(), Event()  # the last picture is the one that stays
        if monitor.recorder.over:
            self._over.set()

    def follow(self) -> None:
        """Draw while the run goes on; for a thread of its own."""
        from .picture import draw
        from .picture_png import warm_up

        # matplotlib takes a second to import: not when the run has ended and somebody waits for it.
        warm_up()
        drawn = 0
        wait = max(0.0, FIRST_PICTURE - self._monitor.recorder.seconds())  # it may have begun long ago
        while not self._over.wait(wait):
            done = int(self._monitor.recorder.run.iter)
            if done > drawn:
                wait, drawn = max(FIRST_PICTURE, wait * RARER), done
                picture = draw(self._monitor)
                with self._turn:
                    if not self._over.is_set():
                        self._give(picture)

    def last(self, ended: Monitor) -> None:
        """Draw the run as it has ended."""
        self._over.set()
        with self._turn:
            self._give(_picture(ended))


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
        """Show the live monitor as output of the present cell; it leaves a picture, see `Pictures`.

        compare : further runs, laid over the curve. Raises ValueError beyond four in all.
        """
        monitor = cls.monitor(run)
        monitor.compare(*compare)
        cls._shown_in[run] = cells.number()
        picture = _picture(monitor)
        pictures = Pictures(monitor, show_live(monitor, picture))
        monitor.on_end.append(pictures.last)
        if picture is None and monitor.recorder.over:  # it ended while this was shown, and told nobody here
            pictures.last(monitor)
        Thread(target=pictures.follow, name="owlkit-picture", daemon=True).start()

    @classmethod
    def mimebundle(cls, run: Any) -> dict[str, Any]:
        """The value of a cell: shown above it. Its picture follows, also where it ends in a later cell."""
        number = cells.number()
        if not number or cls._shown_in.get(run) != number:  # `owl.train(...)` has shown it in its own cell
            cls.display(run)
        return shown_above(repr(cls.monitor(run)))


def _picture(monitor: Monitor) -> bytes | None:
    return monitor.picture() if monitor.recorder.over else None
