"""What the tests of several commands start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.small import NET

SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 5
max_iter: 40 test_iter: 2 test_interval: 20 display: 10 snapshot: 10 snapshot_prefix: "out/a"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with solver.prototxt and net.prototxt, made the working directory."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path
