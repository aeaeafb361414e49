"""A gradient check as it goes on: the kernel's half of the widget (the browser's is js/src/gradients.js).

The check runs in the thread of the cell; what is new goes out between two elements. The browser's messages
arrive in a thread of their own where kernel and front end have subshells; elsewhere they wait for the cell to
end, and the browser interrupts the kernel instead.

Traits: ``whole``, kernel to browser, is all there is to show, made when it is asked for (a page loads) and
sent when the check ends: {head, rows, cells: [{row, first, n, positions}], codes, positions}. ``view``,
browser to kernel: {row, k, table}, kept for the next load.

Messages, kernel to browser: ``{type: "update", head, rows: {number: row}, cells}`` + two buffers, at most ten
times a second: codes (uint8) of the elements named in cells, one after the other, and positions (uint32) of
those rows whose sample is not the whole blob. ``{type: "element", row, k, ...}`` and ``{type: "curve", row,
k, curve}``: what was asked for by ``{type: "element", row, k}``. ``{type: "again"}``: all of it starts anew.
``{type: "answer", id, ok, error}``.

Messages, browser to kernel: ``{type: "command", id, name, value}`` with pause, resume, stop, until_wrong and
again.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from . import gradient_cells, gradient_head, reproduce
from .assets import STYLES, asset
from .comms import LiveWidget

PERIOD = 0.1
"""Seconds between updates."""


def _whole(_value: Any, widget: GradientWidget) -> dict[str, Any]:
    """Serialiser of `whole`: the present state instead of a stored copy."""
    return widget.everything()


class GradientWidget(LiveWidget):
    """Header, maps and the worst element of one report.

    report : a GradientReport, whose check may still be going on. cell : source of the cell that made it.
    """

    _esm = asset("gradients.js")
    _css = asset(STYLES)

    whole: Any = traitlets.Int(0).tag(sync=True, to_json=_whole, from_json=lambda value, widget: 0)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, report: Any, cell: str = "") -> None:
        self.report, self.cell = report, cell
        self._due = 0.0
        self._error = self._told = ""
        self._looking: threading.Thread | None = None
        self._checking: threading.Thread | None = None  # again
        self._forget()
        self._course = report.course
        super().__init__()
        report.course.listeners.append(self._listen)

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait. It stays in the saved notebook as it is at
        first."""
        if not self.report.rows and self.report.course.state != "done":
            return f"<gradients of {self.report.name}, checked live>"
        return f"<{self.report.title}>"

    def _forget(self) -> None:
        """Nothing has been sent yet."""
        self._keys: dict[tuple[str, bool, int], int] = {}
        self._sent: list[Any] = []
        self._codes: list[NDArray[np.uint8]] = []

    # -- to the browser ------------------------------------------------------------------------------------

    def _listen(self) -> None:
        course = self.report.course
        with self._lock:
            if course is not self._course:  # checked again
                self._course = course
                self._forget()
                self.send({"type": "again"})
            now = time.perf_counter()
            if course.state == "done":
                self.publish()
                self.send_state("whole")  # a page that saves the widget's state has all of it
            elif now >= self._due or course.state != self._told:
                self.publish()
                self._told = course.state
                self._due = time.perf_counter() + PERIOD

    def publish(self) -> None:
        """Send what is new."""
        with self._lock:
            rows: dict[str, Any] = {}
            cells, codes, positions = [], [], []
            for place, check, expected in self._places():
                state = self._state(check)
                if self._sent[place] == state:
                    continue
                self._sent[place] = state
                rows[str(place)] = self._row(check, expected)
                first, new, moved = self._new_codes(place, check)
                cells.append({"row": place, "first": first, "n": int(new.size), "positions": int(moved.size)})
                codes.append(new.tobytes())
                positions.append(moved.tobytes())
            message = {"type": "update", "head": self.head(), "rows": rows, "cells": cells}
            self.send(message, buffers=[b"".join(codes), b"".join(positions)])

    def everything(self) -> dict[str, Any]:
        """All rows with all codes: the `whole` trait. What was sent before plays no part in it."""
        with self._lock:
            rows, cells, codes, positions = [], [], [], []
            for place, check, expected in self._places():
                rows.append(self._row(check, expected))
                mine, moved = self._codes_of(check), gradient_cells.positions(check)
                cells.append({"row": place, "first": 0, "n": int(mine.size), "positions": int(moved.size)})
                codes.append(mine.tobytes())
                positions.append(moved.tobytes())
            state = {"head": self.head(), "rows": rows, "cells": cells}
            return state | {"codes": b"".join(codes), "positions": b"".join(positions)}

    def _places(self) -> list[tuple[int, Any, Any]]:
        """(place, check or None while it waits, what was expected or None), in the order of the rows."""
        course, checks = self._course, {_key(check): check for check in list(self.report.rows)}
        expected = {_key(each): each for each in course.expected}
        for key in (*expected, *checks):
            if key not in self._keys:
                self._keys[key] = len(self._keys)
                self._sent.append(None)
                self._codes.append(np.zeros(0, np.uint8))
        return [(place, checks.get(key), expected.get(key)) for key, place in self._keys.items()]

    def _settled(self, check: Any) -> bool:
        return bool(check.settled) or self._course.state == "done"

    def _state(self, check: Any) -> Any:
        """Changes whenever a row does."""
        if check is None:
            return ()
        counts = (check.done, check.elements.size, len(check.directions), len(check.faults), len(check.curve))
        return (self._settled(check), *counts)

    def _row(self, check: Any, expected: Any) -> dict[str, Any]:
        if check is None:
            return gradient_cells.waiting(expected)
        return gradient_cells.row(check, self._settled(check)) | {"code": self._code(check)}

    def _codes_of(self, check: Any) -> NDArray[np.uint8]:
        return np.zeros(0, np.uint8) if check is None else gradient_cells.codes(check, self._settled(check))

    def _new_codes(self, place: int, check: Any) -> tuple[int, NDArray[np.uint8], NDArray[np.uint32]]:
        """(first, codes from there on, positions or none) of what differs from what was sent."""
        old, new = self._codes[place], self._codes_of(check)
        self._codes[place] = new
        if old.size != new.size:
            return 0, new, gradient_cells.positions(check)
        differ = np.flatnonzero(old != new)
        first, last = (differ[0], differ[-1] + 1) if differ.size else (0, 0)
        return int(first), new[first:last], np.zeros(0, np.uint32)

    def head(self) -> dict[str, Any]:
        """What the header and the footer show; unknown is None."""
        return gradient_head.head_of(self.report, self._course, self._error)

    def _code(self, check: Any, k: int | None = None) -> str:
        k = check.worst_position if k is None else k
        if k is None:
            return ""
        layer = None if not self._course.expected else check.layer
        return reproduce.code(self.cell, layer, check.slot.label, check.element(k).index)

    # -- from the browser ----------------------------------------------------------------------------------

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "command":
            self._answer(content)
            if self._course.state == "done":
                self.publish()
        elif kind == "element":
            self._tell_element(int(content["row"]), content.get("k"))

    def _press(self, content: dict[str, Any]) -> bool:
        """A check that goes on serves what is asked of it between two elements."""
        if content.get("type") != "command" or self._course.state == "done":
            return False
        self._answer(content)
        return True

    def _answer(self, content: dict[str, Any]) -> None:
        error = self._obey(content["name"], content.get("value"))
        self.send({"type": "answer", "id": content["id"], "ok": not error, "error": error})
        self._due = 0.0

    def _obey(self, name: str, value: Any) -> str:
        """Carry out a command; why it was refused, or ""."""
        course = self._course
        if name == "until_wrong":
            course.until_wrong = bool(value)
        elif name == "again":
            return self._check_again()
        elif name in ("pause", "resume", "stop"):
            if course.state == "done":
                return "the check is over"
            getattr(course, name)()
        else:
            return f"unknown command {name!r}"
        return ""

    def _check_again(self) -> str:
        begun = self._checking is not None and self._checking.is_alive()
        if begun or self._course.state != "done":
            return "the check is still going on"
        self._checking = threading.Thread(target=self._again, name="owlkit-gradients", daemon=True)
        self._checking.start()
        return ""

    def _tell_trouble(self, text: str) -> None:
        self._error = text
        self.publish()

    def _again(self) -> None:
        self._error = ""
        try:
            self.report.again()
        except Exception as error:  # it goes where the button was pressed
            self._error = f"{type(error).__name__}: {error}"
            self.publish()

    def _tell_element(self, place: int, k: Any) -> None:
        """Send what is known about an element, and when the check is over its error at many steps."""
        with self._lock:
            check = next((check for number, check, _ in self._places() if number == place), None)
        if check is None or check.worst_position is None:
            return
        k = check.worst_position if k is None or int(k) >= check.done else int(k)
        told = gradient_cells.element(check, k, check.element(k)) | {"code": self._code(check, k)}
        self.send({"type": "element", "row": place, **told})
        alone = self._looking is None or not self._looking.is_alive()
        if self._course.state == "done" and alone and not (check.curve and k == check.worst_position):
            self._looking = threading.Thread(target=self._look_closer, args=(place, check, k), daemon=True)
            self._looking.start()

    def _look_closer(self, place: int, check: Any, k: int) -> None:
        try:
            index = check.element(k).index
            closer = self.report.closer(check.layer, check.slot.label, index)
            curve = [[step, gradient_cells.number(error)] for step, error in closer.rows[0].curve]
        except Exception as error:
            self.send({"type": "curve", "row": place, "k": k, "curve": [], "error": str(error)})
            return
        self.send({"type": "curve", "row": place, "k": k, "curve": curve, "error": ""})

    def picture(self) -> bytes:
        """PNG of the check as it stands, light theme, without controls. Needs matplotlib."""
        from .gradient_picture import draw

        return draw(self.report)

    def close(self) -> None:
        """A check that was asked for here ends; a cell's own goes on."""
        if self._checking is not None and self._checking.is_alive():
            self.report.course.stop()
        super().close()


def _key(each: Any) -> tuple[str, bool, int]:
    """What tells the blobs of a net apart."""
    return (each.layer, each.slot.learned, each.slot.index)
