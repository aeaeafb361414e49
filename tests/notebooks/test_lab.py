"""`make lab` opens the lessons without JupyterLab's question about news, leaving settings alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWS = "@jupyterlab/apputils-extension:announcements"


def test_the_lessons_open_without_questions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = pytest.importorskip("jupyterlab_server.config", reason="JupyterLab is in the notebook extra")
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlab:")[2]
    found = re.search(r'JUPYTER_CONFIG_PATH="\$\(CURDIR\)/([\w./-]+)', rule)
    assert found, "the rule of `make lab` adds a folder of settings"
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    assert NEWS not in config.get_page_config([])["disabledExtensions"]
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(ROOT / found[1]))
    assert NEWS in config.get_page_config([])["disabledExtensions"]
    assert not list(tmp_path.iterdir())
