"""What pages order a monitor to do: in which thread it is done, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .comms import words_of

if TYPE_CHECKING:
    from .monitor import Monitor

NEEDED = ("id", "name", "run", "state")
"""What a command says, whatever it is."""


class Orders:
    """Carries out the commands of pages and answers each.

    monitor : `runs`, `compare`, `drop` and `select` are about which runs it shows. Others go to the run that
        the page showed in front when the button was pressed, whichever is there now: see `commands.Controls`.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        # (key of the run, id) of those to a run that the monitor's thread has to carry out
        self._in_hand: list[tuple[str, Any]] = []
        self._shown: dict[str, Callable[[Any], Any]] = {
            "runs": lambda _: monitor.overlay.addable(),
            "compare": lambda key: monitor.compare(monitor.overlay.known(key)),
            "drop": monitor.drop,
            "select": monitor.select,
        }

    def press(self, content: dict[str, Any]) -> bool:
        """Whether a command was carried out at once, as requests to a training are; the others may wait for a
        net or a file, in `obey`."""
        if _missing(content) or content["name"] in self._shown:
            return False
        key = content["run"]
        behind = any(waiting == key for waiting, _ in tuple(self._in_hand))  # `obey` takes some out meanwhile
        if behind or not self._takes_no_time(content):
            self._in_hand.append((key, content["id"]))  # what comes after it stays there: Start, Pause
            return False
        self._answer(content)
        return True

    def _takes_no_time(self, content: dict[str, Any]) -> bool:
        try:
            return self._monitor.overlay.of(content["run"]).controls.at_once(content["name"])
        except ValueError:  # it was taken away, and that is the answer
            return True

    def obey(self, content: dict[str, Any]) -> None:
        """Carry out a command that takes time, in the monitor's thread.

        Raises ValueError where it has no id: then there is nobody to answer.
        """
        if "id" not in content:
            raise ValueError(_missing(content))
        try:
            self._answer(content)
        finally:
            order = (content.get("run"), content["id"])
            if order in self._in_hand:
                self._in_hand.remove(order)

    def _answer(self, content: dict[str, Any]) -> None:
        error, value = None, None
        try:
            value = self._carry_out(content)
        except ValueError as refused:
            error = str(refused)
        except Exception as failure:  # it goes where the button was pressed
            error = words_of(failure)
        answer = {"type": "answer", "id": content["id"], "ok": error is None, "error": error}
        self._monitor.answer(answer if value is None else answer | {"value": value})

    def _carry_out(self, content: dict[str, Any]) -> Any:
        if missing := _missing(content):
            raise ValueError(missing)
        name, wanted = content["name"], content.get("value")
        if name in self._shown:
            return self._shown[name](wanted)
        return self._monitor.overlay.of(content["run"]).controls.obey(name, wanted, content["state"])


def _missing(content: dict[str, Any]) -> str:
    """What is said of a command that is not whole, as that of a page with another version's code; else ""."""
    missing = [each for each in NEEDED if each not in content]
    what = content.get("name", "a command")
    return f"{what}: the page does not say {' and '.join(missing)}; load it again" if missing else ""
