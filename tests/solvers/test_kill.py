"""`kill -9` at any moment leaves the last complete snapshot, and a resumed training ends with the same bits.

OWLKIT_KILLS is the number of random moments (12 unless it says otherwise; 200 take about a minute).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from owlkit.io import files

KILLS = int(os.environ.get("OWLKIT_KILLS", "12"))
ROOT = Path(__file__).parents[2]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.solvers.killing", str(folder), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)


def killing(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_random_moments(tmp_path: Path) -> None:
    inside = 0
    for seed in range(1, 6):  # a busy machine leaves the moments to chance: more where few were inside
        folder = tmp_path / str(seed)
        folder.mkdir()
        tally = killing(folder, "moments", str(KILLS), str(seed))
        assert tally["kills"] == KILLS
        assert tally["ends"] > 0
        assert tally["left"] == 0
        inside += tally["inside"]
        if inside > KILLS // 10:
            return
    raise AssertionError("too few kills while a snapshot was being written")


def test_every_step_of_writing_a_snapshot(tmp_path: Path) -> None:
    """Before each sync and rename, with files whole and cut in half."""
    tally = killing(tmp_path, "points")
    assert tally["kills"] >= 2 * 15
    assert tally["ends"] == tally["kills"] + 1


def test_snapshots_that_appear_piece_by_piece_are_found_out(tmp_path: Path) -> None:
    """A state that is there before its sidecar resumes, with other random numbers."""
    done = run(tmp_path, "torn")
    assert done.returncode == 1
    assert "other bits after" in done.stderr


def test_staging_folders_of_the_living_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "GRACE_SECONDS", -1)
    dead = tmp_path / ".owlkit-snapshot-dead"
    dead.mkdir()
    with files.staging_folder(tmp_path) as living:
        assert not dead.exists()
        with files.staging_folder(tmp_path) as other:
            assert living.exists()
            assert other != living
    assert list(tmp_path.iterdir()) == []
