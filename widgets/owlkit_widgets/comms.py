"""Messages of the browser that need not wait for a busy cell."""

from __future__ import annotations

from typing import Any


def free(widget: Any) -> None:
    """Let the browser's messages to a widget go to the subshell that the browser names, a thread of its own.

    ipykernel hands them to the thread that sent last on the widget's comm: often that of a cell, which is
    busy while it runs. Without its note of that they go where the browser says. Called after each sending.
    Kernels and front ends without subshells (before ipykernel 7 and JupyterLab 4.4) know nothing of it: there
    they wait for the end of the cell.
    """
    getattr(widget.comm, "__dict__", {}).pop("_reply_subshell_id", None)
