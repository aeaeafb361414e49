"""What the lessons find: a folder of data of their own, and no way out of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit import datasets
from tests.support.shared import shared_root

NOWHERE = "http://127.0.0.1:9"  # the port that discards: whoever goes by it is refused at once
FILES = {"squeezenet": "models/squeezenet_v1.1", "imagenet_labels": "data/imagenet-sample"}


@pytest.fixture(scope="session")
def lesson_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With SqueezeNet where the shared folder has it."""
    folder = tmp_path_factory.mktemp("lesson_data")
    for name, place in FILES.items():
        if (shared_root() / place).is_dir():
            datasets.get(name, mirror=str(shared_root() / place), to=folder)
    return folder


@pytest.fixture(autouse=True)
def surroundings(lesson_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWLKIT_DATA", str(lesson_data))
    monkeypatch.setenv("OWLKIT_SMOKE", "1")
    monkeypatch.delenv("OWLKIT_PHOTOGRAPHS", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
