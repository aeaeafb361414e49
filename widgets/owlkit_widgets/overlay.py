"""The runs of one monitor: one in front, others laid over its curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from owlkit.training.registry import enrol, runs

from .subject import Subject, line

MOST = 4
"""Runs in one monitor: as many as there are dashes that are told apart."""


class Overlay:
    """front : the Subject that header, controls and panels belong to. behind : the others, oldest first.

    run : the one in front. heard, all_heard : see Subject, of all of them.
    """

    def __init__(
        self, run: Any, heard: Callable[[Subject, Any], None], all_heard: Callable[[], None]
    ) -> None:
        self._heard, self._all_heard = heard, all_heard
        # Replaced as a whole: who looks for a run while another thread brings one to the front misses none.
        self._subjects: tuple[Subject, ...] = (self._subject(run),)
        self.front.open_panels()

    @property
    def front(self) -> Subject:
        return self._subjects[0]

    @property
    def behind(self) -> tuple[Subject, ...]:
        return self._subjects[1:]

    def _subject(self, run: Any) -> Subject:
        return Subject(run, str(enrol(run)), self._heard, self._all_heard)

    def __iter__(self) -> Iterator[Subject]:
        return iter(self._subjects)

    @property
    def over(self) -> bool:
        """Whether all runs have ended."""
        return all(subject.recorder.over for subject in self)

    def add(self, *more: Any) -> bool:
        """Lay runs over the curve; whether one of them was new. Raises ValueError beyond four in all."""
        held = {id(subject.run) for subject in self}
        new = list({id(run): run for run in more if id(run) not in held}.values())
        if len(held) + len(new) > MOST:
            names = ", ".join(subject.name for subject in self)
            raise ValueError(f"a monitor shows {MOST} runs at most; it has {names}: remove one first")
        self._subjects += tuple(self._subject(run) for run in new)
        return bool(new)

    def drop(self, key: str) -> None:
        """Let go of a run behind. Raises ValueError where there is none with that key."""
        dropped = self._find(key)
        self._subjects = tuple(subject for subject in self if subject is not dropped)
        dropped.close()

    def open_panels(self, key: str) -> None:
        """Take samples of a run behind. Raises ValueError as `drop`."""
        self._find(key).open_panels()

    def select(self, key: str) -> None:
        """Bring a run to the front; the one there takes its place. Raises ValueError as `drop`."""
        found, before = self._find(key), self.front
        others = {found: before, before: found}
        self._subjects = tuple(others.get(subject, subject) for subject in self)
        found.open_panels()

    def _find(self, key: str) -> Subject:
        for subject in self.behind:
            if subject.key == key:
                return subject
        raise ValueError(f"there is no run {key} behind {self.front.name} in this monitor")

    def of(self, key: str) -> Subject:
        """The run with that key, in front or behind. Raises ValueError where it was taken away."""
        for subject in self:
            if subject.key == key:
                return subject
        raise ValueError(f"run {key} is in this monitor no longer")

    def addable(self) -> list[dict[str, Any]]:
        """The runs of this process that are not in here, newest first, as `subject.line` says them."""
        held = {id(subject.run) for subject in self}
        return [line(run, str(enrol(run))) for run in reversed(runs()) if id(run) not in held]

    @staticmethod
    def known(key: str) -> Any:
        """The run of this process with that key. Raises ValueError where it is gone."""
        for run in runs():
            if str(enrol(run)) == key:
                return run
        raise ValueError(f"run {key} is gone")

    def close(self) -> None:
        """Let go of all runs."""
        for subject in self:
            subject.close()
