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

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from . import gradient_cells, reproduce
from .assets import asset

PERIOD = 0.1
"""Seconds between updates."""


def _whole(_value: Any, widget: GradientWidget) -> dict[str, Any]:
    """Serialiser of `whole`: the present state instead of a stored copy."""
    return widget.everything()


class GradientWidget(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Header, maps and the worst element of one report.

    report : a GradientReport, whose check may still be going on. cell : source of the cell that made it.
    """

    _esm = asset("gradients.js")
    _css = asset("gradients.css")

    whole: Any = traitlets.Int(0).tag(sync=True, to_json=_whole, from_json=lambda value, widget: 0)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, report: Any, cell: str = "") -> None:
        self.report, self.cell = report, cell
        self._lock = threading.RLock()
        self._due = 0.0
        self._error = ""
        self._looking: threading.Thread | None = None
        self._forget()
        super().__init__()
        self.on_msg(self._receive)
        report.course.listeners.append(self._listen)
        self._course = report.course

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self.report.title}>"

    def _forget(self) -> None:
        """Nothing has been sent yet."""
        self._places: dict[tuple[str, bool, int], int] = {}
        self._sent: list[tuple[Any, ...]] = []
        self._codes: list[NDArray[np.uint8]] = []
        self._rows: list[dict[str, Any]] = []

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
            elif now >= self._due:
                self.publish()
                self._due = time.perf_counter() + PERIOD

    def publish(self) -> None:
        """Send what is new."""
        with self._lock:
            changed = self._refresh()
            cells, codes, positions = [], [], []
            for place, check in changed:
                first, new, moved = self._new_codes(place, check)
                cells.append({"row": place, "first": first, "n": int(new.size), "positions": int(moved.size)})
                codes.append(new.tobytes())
                positions.append(moved.tobytes())
            rows = {str(place): self._rows[place] for place, _ in changed}
            message = {"type": "update", "head": self.head(), "rows": rows, "cells": cells}
            self.send(message, buffers=[b"".join(codes), b"".join(positions)])

    def _refresh(self) -> list[tuple[int, Any]]:
        """Bring the rows up to date; (place, check) of those that changed, None for a check that waits."""
        changed: list[tuple[int, Any]] = []
        for expected in self._course.expected:
            key = (expected.layer, expected.slot.learned, expected.slot.index)
            if key not in self._places:
                changed.append((self._place(key), None))
                self._rows[self._places[key]] = _waiting(expected)
        for check in list(self.report.rows):
            key = (check.layer, check.slot.learned, check.slot.index)
            place = self._places[key] if key in self._places else self._place(key)
            settled = check.settled or self._course.state == "done"
            state = (check.done, check.elements.size, settled, len(check.directions), len(check.faults))
            if self._sent[place] != state:
                self._sent[place] = state
                self._rows[place] = gradient_cells.row(check, settled) | {"code": self._code(check)}
                changed.append((place, check))
        return changed

    def _place(self, key: tuple[str, bool, int]) -> int:
        self._places[key] = len(self._rows)
        self._rows.append({})
        self._sent.append(())
        self._codes.append(np.zeros(0, np.uint8))
        return self._places[key]

    def _new_codes(self, place: int, check: Any) -> tuple[int, NDArray[np.uint8], NDArray[np.uint32]]:
        """(first, codes from there on, positions or none) of what differs from what was sent."""
        none = np.zeros(0, np.uint32)
        if check is None:
            return 0, self._codes[place], none
        old, new = self._codes[place], gradient_cells.codes(check, self._rows[place]["verdict"] != "checking")
        self._codes[place] = new
        if old.size != new.size:
            moved = check.elements.astype(np.uint32) if new.size < check.count else none
            return 0, new, moved
        differ = np.flatnonzero(old != new)
        if not differ.size:
            return 0, new[:0], none
        return int(differ[0]), new[differ[0] : differ[-1] + 1], none

    def everything(self) -> dict[str, Any]:
        """All rows with all codes: the `whole` trait."""
        with self._lock:
            self._refresh()
            by_key = {(c.layer, c.slot.learned, c.slot.index): c for c in self.report.rows}
            cells, codes, positions = [], [], []
            for key, place in self._places.items():
                check = by_key.get(key)
                mine, moved = np.zeros(0, np.uint8), np.zeros(0, np.uint32)
                if check is not None:
                    mine = gradient_cells.codes(check, self._rows[place]["verdict"] != "checking")
                    moved = check.elements.astype(np.uint32) if mine.size < check.count else moved
                cells.append({"row": place, "first": 0, "n": int(mine.size), "positions": int(moved.size)})
                codes.append(mine.tobytes())
                positions.append(moved.tobytes())
            state = {"head": self.head(), "rows": list(self._rows), "cells": cells}
            return state | {"codes": b"".join(codes), "positions": b"".join(positions)}

    def head(self) -> dict[str, Any]:
        """What the header and the footer show; unknown is None."""
        report, course = self.report, self._course
        rows, over = list(report.rows), course.state == "done"
        expected = sum(e.number for e in course.expected) or sum(row.elements.size for row in rows)
        done = sum(row.done for row in rows)
        worst = max((check.error for check in report.loss), default=None)
        return {
            "name": report.name,
            "state": course.state,
            "interrupted": report.interrupted,
            "doing": course.doing if not over else "",
            "done": done,
            "total": max(done, expected) if not (over and not report.interrupted) else done,
            "left": None if over else course.left(rows),
            "seconds": report.seconds if over else course.seconds,
            "passes": course.passes,
            "step": report.settings.step,
            "tolerance": report.settings.tolerance,
            "seed": report.settings.seed,
            "until_wrong": course.until_wrong,
            "loss": None if worst is None else gradient_cells.number(worst),
            "loss_directions": len(report.loss),
            "loss_is_wrong": report.loss_is_wrong if over else False,
            "skipped": list(report.skipped),
            "remarks": list(report.remarks),
            "error": self._error,
            "can_repeat": report.again is not None,
        }

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
            error = self._obey(content["name"], content.get("value"))
            self.send({"type": "answer", "id": content["id"], "ok": not error, "error": error})
            self._due = 0.0
            if self._course.state == "done":
                self.publish()
        elif kind == "element":
            self._tell_element(int(content["row"]), content.get("k"))

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
        if self._course.state != "done":
            return "the check is still going on"
        threading.Thread(target=self._again, name="owlkit-gradients", daemon=True).start()
        return ""

    def _again(self) -> None:
        self._error = ""
        try:
            self.report.again()
        except Exception as error:  # it goes where the button was pressed
            self._error = f"{type(error).__name__}: {error}"
            self.publish()

    def _tell_element(self, place: int, k: Any) -> None:
        """Send what is known about an element, and when the check is over its error at many steps."""
        keys = {number: key for key, number in self._places.items()}
        found = [c for c in self.report.rows if (c.layer, c.slot.learned, c.slot.index) == keys.get(place)]
        if not found or found[0].worst_position is None:
            return
        check = found[0]
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


def _waiting(expected: Any) -> dict[str, Any]:
    """The row of a blob whose turn has not come."""
    shape = list(expected.shape)
    zero = dict.fromkeys(("done", "kinks", "wrong", "directions", "wrong_directions"), 0)
    none = dict.fromkeys(("worst", "median", "worst_direction"))
    empty: dict[str, Any] = {"faults": [], "curve": [], "pattern": "", "known": "", "code": ""}
    named = {"layer": expected.layer, "type": expected.type, "blob": expected.slot.label, "shape": shape}
    count = int(np.prod(shape))
    return named | {"count": count, "number": expected.number, "verdict": "waits"} | zero | none | empty
