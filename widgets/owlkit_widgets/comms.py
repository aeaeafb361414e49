"""What all widgets have in common: how the browser's messages are taken, and by which threads.

With JupyterLab 4.4 and ipykernel 7 they arrive in a thread beside that of the cells, while a cell may run.
There is one such thread for all widgets of a notebook. So it only takes them: what is done about them is done
in a thread of each widget's own, and the pause of a run waits for no picture of a large net.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import anywidget
import traitlets

from owlkit.core.errors import OwlkitError

from .desk import Desk

log = logging.getLogger("owlkit")


class LiveWidget(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """A widget that answers also while a cell runs, and holds up no other.

    Subclasses define `_receive` and observe `view`: both happen in the widget's own thread when the browser
    asks, one thing after the other. What takes no time may be done before, in `_press`.

    said : {text, bad}, what went wrong.
    """

    said: Any = traitlets.Dict().tag(sync=True)

    def setup_instance(self, /, *args: Any, **kwargs: Any) -> None:
        """Before anything else, as traitlets calls it."""
        # Held while traits are set that belong together, and while they are sent; not while one computes.
        self._lock = threading.RLock()
        self._desk = Desk(f"owlkit-{type(self).__name__}", self._complain)
        self._complained = False
        super().setup_instance(*args, **kwargs)

    def open(self) -> None:
        """Open the comm; its messages go where the browser says from then on."""
        super().open()
        _free(self.comm)
        if hasattr(self.comm, "handle_msg"):
            # The comm's own tells IPython that a cell ends, which then shows and closes the figures that the
            # cell is still drawing.
            self.comm.handle_msg = self._handle_msg

    def close(self) -> None:
        self._desk.clear()
        with self._lock:  # who sends meanwhile still has a comm
            super().close()

    # -- from the browser
    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """What the browser asks for, in the widget's own thread."""

    def _press(self, content: dict[str, Any]) -> bool:
        """Do at once what takes no time: what stops a work must not wait for its end. Whether that was all.

        All widgets wait meanwhile: nothing here may wait for a lock, or for a net.
        """
        return False

    def _handle_msg(self, msg: dict[str, Any]) -> Any:
        """Called in the thread that all widgets share."""
        data = msg["content"]["data"]
        if data["method"] == "custom" and self._pressed(data.get("content") or {}):
            return None
        if data["method"] == "request_state":  # a page loads, and gives up on widgets after some seconds
            return super()._handle_msg(msg)
        context = contextvars.copy_context()  # answers say which message they answer
        key = tuple(sorted(data.get("state", ()))) if data["method"] == "update" else None
        return self._desk.put(partial(context.run, super()._handle_msg, msg), key)

    def _pressed(self, content: Any) -> bool:
        """As `_press`; what goes wrong is told by the widget's own thread, as telling may wait for a lock."""
        try:
            return isinstance(content, dict) and self._press(content)
        except Exception as error:
            self._desk.put(partial(self._complain, error))
            return True

    def _handle_custom_msg(self, content: dict[str, Any], buffers: list[memoryview]) -> None:
        with self._telling():
            self._receive(self, content, buffers)
        super()._handle_custom_msg(content, buffers)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        with self._telling():
            super().set_state(sync_data)

    # -- what goes wrong
    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong is told in the widget: a traceback would go to a log, and not be seen."""
        if self._complained:
            self._complained = False
            self._tell_trouble("")
        try:
            yield
        except Exception as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        log.debug("a message from the browser could not be answered", exc_info=error)
        self._complained = True
        self._tell_trouble(words_of(error))

    def _tell_trouble(self, text: str) -> None:
        """ "" where what went wrong is over."""
        self.said = {"text": text, "bad": True} if text else {}

    # -- ipywidgets keeps what is held and what is to be sent in one place per widget, for one thread
    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Not at all: those of other threads were held meanwhile, too, or lost. No trait checks another."""
        yield

    @contextmanager
    def hold_sync(self) -> Iterator[None]:
        with self._lock, super().hold_sync():
            yield

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with self._lock:  # a page that loads asks in a thread of its own
            return dict(super().get_state(*args, **kwargs))

    def send_state(self, key: Any = None) -> None:
        with self._lock:  # of two threads that set a trait, who sends last sends what it is
            super().send_state(key)

    def _should_send_property(self, key: str, value: Any) -> bool:
        with self._lock:  # not into what another thread holds, which may have been sent just now
            return bool(super()._should_send_property(key, value))

    def _send(self, msg: Any, buffers: Any = None) -> None:
        if not kernel_ends():
            super()._send(msg, buffers)


def words_of(error: Exception) -> str:
    """What is said of an error: its own words where it is one of those that are meant for people."""
    words = str(error)
    if words and isinstance(error, (OwlkitError, OSError, ImportError)):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def kernel_ends() -> bool:
    """Whether this process is ending, so that nothing is to be sent any more.

    pyzmq refuses a large part of a message by then, after the parts before it: what another thread sends next
    is taken for the rest of it, and the page complains of a message that it cannot read.
    """
    return not threading.main_thread().is_alive()


def _free(comm: Any) -> None:
    """Let the browser's messages on a comm go to the subshell that the browser names, a thread of its own.

    ipykernel 7.4 hands them to the thread that sent last on the comm, often one that waits for a cell to end:
    a method of the comm tells which, and says here what the browser said. Earlier ones heed the page.
    Kernels and front ends without subshells (before ipykernel 7 and JupyterLab 4.4) know nothing of it: there
    messages wait for the end of the cell.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_the_browser_says


def _as_the_browser_says(_data: Any, subshell: str | None) -> str | None:
    return subshell
