"""Choices on disk are bounded: what is used stays, and several processes may use the folder at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.gpu import gpu as gpu_module
from owlkit.core.gpu.recent import Recent
from owlkit.kernels.cudnn import kept, plans
from tests.kernels.cudnn.test_plans import device_with, library, problem
from tests.support import emulated_gpu


def fill(folder: Path, count: int, content: bytes = b"content", first: int = 0) -> list[str]:
    """Keep choices, each a second older than the next; the keys."""
    keys = [f"key {number}" for number in range(first, first + count)]
    for number, key in enumerate(keys):
        kept.write(folder, key, kept.Kept({"name": key}, content))
        written = time.time() - 1000 + number
        os.utime(kept.path_of(folder, key), (written, written))
    return keys


def still(folder: Path, keys: list[str]) -> list[str]:
    return [key for key in keys if kept.path_of(folder, key).exists()]


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_what_nobody_has_read_for_longest_goes(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = fill(tmp_path, 30)
    size = kept.path_of(tmp_path, keys[0]).stat().st_size
    monkeypatch.setattr(kept, limit, 20 if limit == "MOST_FILES" else 21 * size)
    used = [keys[0], keys[3]]
    for key in used:
        assert kept.read(tmp_path, key) is not None
    kept.remove_oldest(tmp_path)
    found = still(tmp_path, keys)
    assert len(found) == 18, "nine tenths of the limit"
    assert set(used) < set(found)
    assert found[2:] == keys[14:]


def test_nothing_goes_within_the_limits(tmp_path: Path) -> None:
    keys = fill(tmp_path, 30)
    kept.remove_oldest(tmp_path)
    assert still(tmp_path, keys) == keys


def test_times_count_and_other_files_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_FILES", 2)
    keys = fill(tmp_path, 2)
    kept.write(tmp_path, "times", kept.Kept({"a": 1.0}), "times")
    (tmp_path / "notes.txt").write_text("mine")
    kept.remove_oldest(tmp_path)
    assert still(tmp_path, keys) == []
    assert kept.read(tmp_path, "times", "times") is not None
    assert (tmp_path / "notes.txt").exists()


def test_a_file_that_somebody_began_goes_when_it_is_abandoned(tmp_path: Path) -> None:
    begun, abandoned = tmp_path / "a.tmp", tmp_path / "b.tmp"
    for path in (begun, abandoned):
        path.write_bytes(b"half")
    os.utime(abandoned, (0, 0))
    kept.remove_oldest(tmp_path)
    assert begun.exists()
    assert not abandoned.exists()


def test_writing_keeps_the_folder_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every choice looks, so a few more than the limit may lie there."""
    monkeypatch.setattr(kept, "MOST_FILES", 50)
    most = 0
    for start in range(0, 400, 50):
        fill(tmp_path, 50, first=start)
        most = max(most, len(list(tmp_path.iterdir())))
    assert most < 50 + 100
    assert len(list(tmp_path.glob("*.plan"))) < 400


def test_a_file_that_goes_before_it_is_read_was_never_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [key] = fill(tmp_path, 1)
    kept._remove(str(kept.path_of(tmp_path, key)))
    kept._remove(str(kept.path_of(tmp_path, key)))  # another process was first
    assert kept.read(tmp_path, key) is None
    assert not caplog.text


_USE = """
import sys, random
from pathlib import Path
from owlkit.kernels.cudnn import kept

kept.MOST_FILES = 5
folder, draw = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
for _ in range(300):
    key = f"key {draw.randrange(12)}"
    found = kept.read(folder, key)
    assert found is None or found.facts["name"] == key, found
    if found is None:
        kept.write(folder, key, kept.Kept({"name": key}, key.encode() * 5000))
        kept.remove_oldest(folder)
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    """A file is there or not, and never in part; what is refused or lost would be told."""
    command = [sys.executable, "-c", _USE, str(tmp_path)]
    running = [
        subprocess.Popen([*command, str(seed)], stderr=subprocess.PIPE, text=True) for seed in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in running]
    assert said == ["", ""]
    assert [process.returncode for process in running] == [0, 0]
    assert len(list(tmp_path.iterdir())) <= 5 + 1


# -- in memory
def test_what_was_asked_for_last_is_kept() -> None:
    recent = Recent(3)
    for number in range(3):
        recent.keep(number, number)
    assert recent.get(0) == 0
    recent.keep(3, 3)
    recent.keep(0, 7)
    recent.keep(4, 4)
    assert [recent.get(number) for number in range(5)] == [7, None, None, 3, 4]
    recent.clear()
    assert (recent.get(0), len(recent)) == (None, 0)


@pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
def test_plans_of_ever_new_shapes_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dropped is held until the GPU has done what is queued, and planned again when it is wanted."""
    monkeypatch.setattr(gpu_module, "MOST_CHOICES", 2)
    device = device_with()
    held: list[Any] = []
    monkeypatch.setattr(device.gpu.driver, "hold", held.append)
    kinds = ("fprop", "dgrad", "wgrad")
    made = [plans.make_plan(device, problem(kind)) for kind in kinds]
    assert plans.make_plan(device, problem("wgrad")) is made[2]
    assert library(device).planned == 3
    assert plans.make_plan(device, problem("fprop")).name == made[0].name
    assert library(device).planned == 4
    assert held == [], "who uses a plan keeps it"
    graph = made[0]._graph
    del made[0]
    assert held == [graph]
