"""What the browser does to a widget, without one, while other threads are busy."""

from __future__ import annotations

import threading
from typing import Any

PATIENCE = 20.0  # seconds; reached where something is wrong


def message(method: str, buffers: Any = (), **data: Any) -> dict[str, Any]:
    return {"content": {"data": {"method": method, **data}}, "buffers": list(buffers)}


def ask(widget: Any, content: dict[str, Any], buffers: Any = ()) -> None:
    """Send a message; it is answered in the widget's own thread, unless it is a press."""
    widget._handle_msg(message("custom", buffers, content=content))


def command(monitor: Any, name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A command as a page sends it that shows what the kernel has told; `more`: of what it differs in."""
    shown = {"run": monitor.run["key"], "state": monitor.status["state"]}
    return {"type": "command", "id": 1, "name": name, "value": value} | shown | more


def choose(widget: Any, **choices: Any) -> None:
    """Change the view; see `ask`."""
    widget._handle_msg(message("update", state={"view": {**widget.view, **choices}}))


def settled(widget: Any) -> None:
    """Wait until all that was asked for is done."""
    assert widget._desk.wait(PATIENCE)


class Held:
    """Work that goes on until `go` is set. begun : it has begun. threads : those that did it."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.threads: list[str] = []

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.threads.append(threading.current_thread().name)
        self.begun.set()
        assert self.go.wait(PATIENCE)


def in_thread(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ended(thread: threading.Thread) -> bool:
    thread.join(PATIENCE)
    return not thread.is_alive()
