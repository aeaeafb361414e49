"""--gpu, --dtype, --tf32, --deterministic and --tune, as the commands that run nets take them."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from owlkit.cli import options
from owlkit.cli.main import main
from owlkit.core.gpu import device as devices
from tests.training.small import NET

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


@pytest.mark.parametrize(
    "words",
    [
        "train --solver solver.prototxt",
        "test --model net.prototxt --weights w.caffemodel",
        "time --model net.prototxt",
        "extract-features w.caffemodel net.prototxt ip1 out 1 lmdb",
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_the_type_of_numbers_reaches_the_net(
    words: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what the graph is asked for; what comes after is not run here."""
    seen = []

    def stop(graph: Any, *args: Any, dtype: str = "float32", **options: Any) -> None:
        seen.append(dtype)
        raise KeyboardInterrupt

    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("owlkit.net.graph.Graph.__init__", stop)
    with suppress(KeyboardInterrupt):
        main([*words.split(), "--dtype", dtype])
    assert seen == [dtype]
