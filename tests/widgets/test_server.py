"""Kernels of the browser tests: one is started ahead, for the next notebook, and outlives this one's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .server import Lab


class Made(Lab):
    """A server that is none: what runs on it, and which notebook has which kernel."""

    def __init__(self, *refused: str) -> None:
        super().__init__(Path(), "http://none", "")
        self.running: list[str] = []
        self.sessions: dict[str, str] = {}
        self.made, self.refused = 0, refused

    def _ask(self, method: str, what: str, content: Any = None) -> bytes:
        if method in self.refused:
            raise OSError("refused")
        if method == "DELETE":
            self.running.remove(what.removeprefix("kernels/"))
        elif what == "sessions":
            self.sessions[content["path"]] = content["kernel"]["id"]
        elif method == "POST":
            self.made += 1
            self.running.append(str(self.made))
            return json.dumps({"id": str(self.made)}).encode()
        return json.dumps([{"id": each} for each in self.running]).encode()


def test_the_next_notebook_gets_the_kernel_that_was_started_ahead() -> None:
    lab = Made()
    lab.begin("a.ipynb")
    lab.start_ahead()
    lab.start_ahead()
    lab.end_kernels()
    assert lab.running == ["2"], "that of the notebook before has ended"
    lab.begin("b.ipynb")
    assert (lab.sessions, lab.made) == ({"a.ipynb": "1", "b.ipynb": "2"}, 2)
    lab.end_kernels()
    assert not lab.running


def test_who_wants_a_kernel_that_could_not_be_started_is_told() -> None:
    lab = Made("POST")
    lab.start_ahead()
    with pytest.raises(OSError, match="refused"):
        lab.begin("a.ipynb")
