"""--gpu, --tf32, --deterministic and --tune, as the commands that run nets take them."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from owlkit.cli import options
from owlkit.cli.main import main
from owlkit.core.gpu import device as devices

COMMANDS = {
    "train": "--solver x", "resume": "--solver x", "test": "--model x --weights x", "time": "--model x",
}  # fmt: skip


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of GPUs; each is there."""
    asked: list[Any] = []
    monkeypatch.setattr(
        devices, "open_gpu_device", lambda number, **options: asked.append((number, options)) or "opened"
    )
    return asked


def chosen(words: str) -> Any:
    parser = argparse.ArgumentParser()
    options.add_device(parser)
    return options.device(parser.parse_args(words.split()))


def test_without_any_of_them_the_default_is_left(opened: list[Any]) -> None:
    assert chosen("") is None
    assert opened == []


@pytest.mark.parametrize("name", ["tf32", "deterministic", "tune"])
@pytest.mark.parametrize(("gpu", "number"), [("", 0), ("--gpu 2", 2)])
def test_each_reaches_the_gpu(name: str, gpu: str, number: int, opened: list[Any]) -> None:
    assert chosen(f"{gpu} --{name}") == "opened"
    others = {"tf32": False, "deterministic": False, "tune": False}
    assert opened == [(number, others | {name: True})]


@pytest.mark.parametrize("command", COMMANDS)
def test_timing_is_not_deterministic(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, *COMMANDS[command].split(), "--deterministic", "--tune"])
    assert left.value.code == 2
    assert "--tune: not allowed with argument --deterministic" in capsys.readouterr().err
