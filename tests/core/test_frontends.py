"""A front end is looked for inside a Jupyter kernel only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from owlkit.core import frontends
from owlkit.training import Run
from tests.training.small import make_solver


class Display:
    """Stands for the live monitor."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def display(self, run: Any) -> bool:
        self.shown.append(run)
        return True

    def mimebundle(self, run: Any) -> dict[str, str]:
        return {"text/html": run.name}


class Broken(Display):
    def display(self, run: Any) -> bool:
        raise RuntimeError("no browser")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    app = SimpleNamespace(IPKernelApp=SimpleNamespace(initialized=lambda: True))
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", app)
    frontends._load.cache_clear()
    yield
    frontends._load.cache_clear()


def announce(monkeypatch: pytest.MonkeyPatch, loaded: Any) -> None:
    def load() -> Any:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    entry = SimpleNamespace(name="test", load=load)
    monkeypatch.setattr(frontends, "entry_points", lambda group: [entry])


def test_a_remark_is_a_warning_of_the_log(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    frontends.remark("25 of 26 layers loaded")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "25 of 26 layers loaded")
    ]
    assert capsys.readouterr().out == ""


def test_a_remark_in_a_notebook_does_not_stand_in_red(
    kernel: None, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    frontends.remark("25 of 26 layers loaded")
    assert capsys.readouterr() == ("25 of 26 layers loaded\n", "")
    assert not caplog.records


def test_outside_of_a_kernel_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, AssertionError("loaded"))
    run = Run(make_solver())
    assert not frontends.display(run)
    assert run._repr_mimebundle_() == {"text/plain": repr(run)}


@pytest.mark.usefixtures("kernel")
def test_the_front_end_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    frontend = Display()
    announce(monkeypatch, frontend)
    run = Run(make_solver(), "net")
    run.monitor()
    assert frontend.shown == [run]
    assert run._repr_mimebundle_() == {"text/html": "net"}


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("loaded", [Broken, ImportError("no anywidget")])
def test_a_front_end_that_fails_gives_way_to_text(
    monkeypatch: pytest.MonkeyPatch, loaded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(monkeypatch, loaded)
    run = Run(make_solver())
    run.monitor()
    run.run()
    assert "Finished" in capsys.readouterr().out


@pytest.mark.usefixtures("kernel")
def test_a_kind_that_the_front_end_does_not_know_is_left_to_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    from owlkit_widgets import Frontend

    announce(monkeypatch, Frontend)
    unknown = SimpleNamespace(frontend_kind="tea leaves")
    assert not frontends.display(unknown)
    assert frontends.mimebundle(unknown) is None
