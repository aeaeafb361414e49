"""What pages order a monitor to do: in which thread it is done, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .comms import words_of

if TYPE_CHECKING:
    from .monitor import Monitor


class Orders:
    """Carries out the commands of pages and answers each.

    monitor : `runs`, `compare`, `drop` and `select` are about which runs it shows; others are for the run in
        front, see `commands.Controls`.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._in_hand: list[Any] = []  # those to the run that the monitor's thread has to carry out
        self._shown: dict[str, Callable[[Any], Any]] = {
            "runs": lambda _: monitor.overlay.addable(),
            "compare": lambda key: monitor.compare(monitor.overlay.known(key)),
            "drop": monitor.drop,
            "select": monitor.select,
        }

    def press(self, content: dict[str, Any]) -> bool:
        """Whether a command was carried out at once, as requests to a training are; the others may wait for a
        net or a file, in `obey`."""
        name = content["name"]
        if name in self._shown:
            return False
        if self._in_hand or not self._monitor.overlay.front.controls.at_once(name):
            self._in_hand.append(content["id"])  # what comes after it stays after it: Start, then Pause
            return False
        self._answer(content)
        return True

    def obey(self, content: dict[str, Any]) -> None:
        """Carry out a command that takes time, in the monitor's thread."""
        try:
            self._answer(content)
        finally:
            if content["id"] in self._in_hand:
                self._in_hand.remove(content["id"])

    def _answer(self, content: dict[str, Any]) -> None:
        name, wanted = content["name"], content.get("value")
        if name in self._shown:
            error, value = self._change_shown(name, wanted)
        else:
            error, value = self._monitor.overlay.front.controls.obey(name, wanted), None
        answer = {"type": "answer", "id": content["id"], "ok": error is None, "error": error}
        self._monitor.answer(answer if value is None else answer | {"value": value})

    def _change_shown(self, name: str, value: Any) -> tuple[str | None, Any]:
        """(why it was refused or None, its value)."""
        try:
            return None, self._shown[name](value)
        except ValueError as error:
            return str(error), None
        except Exception as error:  # it goes where the button was pressed
            return words_of(error), None
