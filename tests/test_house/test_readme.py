"""What the README shows can be typed in and works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shared import shared

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path) -> None:
    example = EXAMPLES[0]
    assert "max_iter=1000" in example
    script = tmp_path / "example.py"
    script.write_text(example.replace("max_iter=1000", "max_iter=200") + "\nassert run.iter == 200")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'type: "SoftmaxWithLoss"' in done.stdout


@pytest.mark.slow
def test_the_pictures_it_shows_can_be_made(tmp_path: Path) -> None:
    model = shared("models/squeezenet_v1.1")
    photographs = sorted(shared("data/imagenet-sample").glob("*.JPEG"))
    (tmp_path / "squeezenet.prototxt").symlink_to(model / "deploy.prototxt")
    (tmp_path / "squeezenet.caffemodel").symlink_to(next(model.glob("*.caffemodel")))
    (tmp_path / "koala.jpg").symlink_to(next(path for path in photographs if "koala" in path.name))
    (tmp_path / "photographs").mkdir()
    for path in photographs[:4]:
        (tmp_path / "photographs" / path.name).symlink_to(path)
    assert len(EXAMPLES) == 2
    script = tmp_path / "example.py"
    script.write_text("import owlkit as owl\n" + EXAMPLES[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_the_commands_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)\b", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
