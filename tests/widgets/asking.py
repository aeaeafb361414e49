"""What the browser does to a widget, without one."""

from __future__ import annotations

from typing import Any


def message(method: str, buffers: Any = (), **data: Any) -> dict[str, Any]:
    return {"content": {"data": {"method": method, **data}}, "buffers": list(buffers)}


def ask(widget: Any, content: dict[str, Any], buffers: Any = ()) -> None:
    """Send a message; it is answered in the widget's own thread, unless it is a press."""
    widget._handle_msg(message("custom", buffers, content=content))


def choose(widget: Any, **choices: Any) -> None:
    """Change the view; see `ask`."""
    widget._handle_msg(message("update", state={"view": {**widget.view, **choices}}))


def settled(widget: Any) -> None:
    """Wait until all that was asked for is done."""
    assert widget._desk.wait(20)
