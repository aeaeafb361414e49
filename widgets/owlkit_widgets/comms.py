"""What all widgets have in common: messages of the browser need not wait for a busy cell; none to it when the
kernel ends.
"""

from __future__ import annotations

import threading
from typing import Any

import anywidget


class LiveWidget(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """A widget that answers also while a cell runs."""

    def open(self) -> None:
        """Open the comm; its messages go where the browser says from then on."""
        super().open()
        _free(self.comm)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        if not kernel_ends():
            super()._send(msg, buffers)


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
