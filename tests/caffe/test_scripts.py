"""Scripts in the manner of 2015, as they are, after `owlkit.caffe.install()`; each in its own interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.support.shared import shared

SCRIPTS = Path(__file__).parent / "scripts"
START = (
    "import owlkit.caffe, runpy, sys; owlkit.caffe.install(); del sys.argv[0]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


def _said(folder: Path, script: str, *arguments: str) -> list[tuple[str, str]]:
    """Run a script in a folder; its output as (first word, rest) of each line."""
    command = [sys.executable, "-W", "error", "-c", START, str(SCRIPTS / script), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in done.stdout.splitlines()]


def test_classification(tmp_path: Path) -> None:
    model, photographs = shared("models/squeezenet_v1.1"), shared("data/imagenet-sample")
    lines = _said(tmp_path, "classify.py", str(model), str(photographs), "n01440764_tench.JPEG")
    said = dict(lines)
    assert said["label"] == "n01440764 tench, Tinca tinca"
    top = [float(rest.split()[0]) for word, rest in lines if word == "top"]
    assert top == sorted(top, reverse=True)
    assert 0.7 < top[0] < 1
    blobs = dict(rest.split("\t") for word, rest in lines if word == "blob")
    assert blobs["conv1"] == "(2, 64, 113, 113)"
    params = dict(rest.split("\t") for word, rest in lines if word == "param")
    assert params["conv1"] == "(64, 3, 3, 3) (64,)"
    assert (said["filters"], said["features"]) == ("(32, 32, 3)", "(684, 684)")
    assert float(said["deprocessed"].split()[1]) < 1e-5


def test_gradient_ascent(tmp_path: Path) -> None:
    model = shared("models/squeezenet_v1.1")
    photograph = shared("data/imagenet-sample/n01882714_koala.JPEG")
    lines = _said(tmp_path, "dream.py", str(model), str(photograph), "fire4/concat")
    response = [float(rest) for word, rest in lines if word == "response"]
    assert len(response) == 10
    assert response[-1] > 2 * response[0]
    assert np.mean(np.diff(response) > 0) > 0.8
    assert dict(lines)["image"] == "(120, 160, 3) True"


def test_training(tmp_path: Path) -> None:
    said = dict(_said(tmp_path, "train.py"))
    assert "('conv1', (50, 16, 6, 6))" in said["blobs"]
    assert said["loss"] == "falls True"
    assert float(said["accuracy"]) > 0.93
    assert said["filters"] == "(4, 4, 3, 3)"
    assert said["records"] == "200 (1, 8, 8) uint8 True"
