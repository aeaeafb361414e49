"""Messages of the browser that need not wait for a busy cell; and none to it when the kernel ends."""

from __future__ import annotations

import threading
from typing import Any


def free(widget: Any) -> None:
    """Let the browser's messages to a widget go to the subshell that the browser names, a thread of its own.

    ipykernel hands them to the thread that sent last on the widget's comm: often that of a cell, which is
    busy while it runs. Without its note of that they go where the browser says. Called after each sending.
    Kernels and front ends without subshells (before ipykernel 7 and JupyterLab 4.4) know nothing of it: there
    they wait for the end of the cell.
    """
    getattr(widget.comm, "__dict__", {}).pop("_reply_subshell_id", None)


def kernel_ends() -> bool:
    """Whether this process is ending, so that nothing is to be sent any more.

    pyzmq refuses a large part of a message by then, after the parts before it: what another thread sends next
    is taken for the rest of it, and the page complains of a message that it cannot read.
    """
    return not threading.main_thread().is_alive()
