"""A set of one's own that takes another's place: kills and failures on the way, and what others put there."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import DataError
from owlkit.datasets import from_arrays, own, store
from owlkit.datasets.convert import write_images
from tests.datasets.test_own import pixels, stored


def replaced_up_to(path: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another set in the place of [1, 2], as far as somebody comes who is killed before a rename."""
    rename, done = os.rename, []

    def renamed(old: Path, new: Path) -> None:
        if Path(old).parent == Path(new).parent:  # as sets are written
            return rename(old, new)
        if len(done) == step:
            raise KeyboardInterrupt
        done.append(rename(old, new))

    from_arrays(path, pixels(2, 8, 8), [1, 2])
    with monkeypatch.context() as patched:
        settle = store._settle
        patched.setattr(store, "_settle", lambda *args: settle(*args) if not done else None)
        patched.setattr(store.os, "rename", renamed)
        with suppress(KeyboardInterrupt):
            from_arrays(path, pixels(2, 8, 8), [3, 4])
    assert len(done) == min(step, 4)


@pytest.mark.parametrize("again", [[1, 2], [3, 4], [5, 6]])
@pytest.mark.parametrize("step", range(6))
def test_who_is_killed_while_a_set_takes_anothers_place_leaves_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, again: list[int]
) -> None:
    path = tmp_path / "set"
    replaced_up_to(path, step, monkeypatch)
    left = [3, 4] if step >= 3 else [1, 2]
    if path.exists():
        assert stored(str(path))[1] in ([1, 2], [3, 4])
    written = []

    def write(at: Path, *args: Any, **options: Any) -> dict[str, Any]:
        written.append(stored(str(path))[1])
        return write_images(at, *args, **options)

    monkeypatch.setattr(own, "write_images", write)
    assert stored(from_arrays(path, pixels(2, 8, 8), again))[1] == again
    assert written == ([] if again == left else [left])
    assert sorted(os.listdir(tmp_path)) == ["set", "set_manifest.json"]


def test_who_is_killed_again_while_the_old_set_is_put_back_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set"
    replaced_up_to(path, 2, monkeypatch)
    replace, done = os.replace, []

    def replaced(old: Path, new: Path) -> None:
        if done and Path(old).parent.name == ".set.before":
            raise KeyboardInterrupt
        done.append(replace(old, new))

    with monkeypatch.context() as patched:
        patched.setattr(store.os, "replace", replaced)
        with suppress(KeyboardInterrupt):
            from_arrays(path, pixels(2, 8, 8), [1, 2])
    assert len(done) == 1
    monkeypatch.setattr(own, "write_images", None)
    assert stored(from_arrays(path, pixels(2, 8, 8), [1, 2]))[1] == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["set", "set_manifest.json"]


def test_who_is_killed_before_a_first_sets_manifest_has_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The set was left alone then, as somebody else's."""
    rename = os.rename

    def renamed(old: Path, new: Path) -> None:
        if Path(new) == tmp_path / "set_manifest.json":
            raise KeyboardInterrupt
        rename(old, new)

    with monkeypatch.context() as patched:
        settle = store._settle
        patched.setattr(
            store, "_settle", lambda *args: None if (tmp_path / "set").exists() else settle(*args)
        )
        patched.setattr(store.os, "rename", renamed)
        with suppress(KeyboardInterrupt):
            from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])
    assert "set_manifest.json" not in os.listdir(tmp_path)
    monkeypatch.setattr(own, "write_images", None)
    assert stored(from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2]))[1] == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["set", "set_manifest.json"]


def test_what_somebody_put_there_after_a_kill_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set"
    replaced_up_to(path, 2, monkeypatch)
    write_images(path, pixels(3, 1, 8, 8), [7, 7, 7])
    with pytest.raises(DataError, match="left alone"):
        from_arrays(path, pixels(2, 8, 8), [3, 4])
    assert stored(str(path))[1] == [7, 7, 7]


def test_a_set_with_something_else_in_its_folder_is_not_replaced(tmp_path: Path) -> None:
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])
    (tmp_path / "set/notes.txt").write_text("mine")
    assert from_arrays(path, pixels(2, 8, 8), [1, 2]) == path
    with pytest.raises(DataError, match="left alone"):
        from_arrays(path, pixels(2, 8, 8), [3, 4])
    assert (tmp_path / "set/notes.txt").read_text() == "mine"


def test_what_fails_while_a_set_takes_anothers_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])
    rename = os.rename

    def refused(old: Path, new: Path) -> None:
        if Path(old).parent != Path(new).parent == tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied")
        rename(old, new)

    monkeypatch.setattr(store.os, "rename", refused)
    with pytest.raises(PermissionError, match="Permission denied"):
        from_arrays(path, pixels(2, 8, 8), [3, 4])
    assert stored(path)[1] == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["set", "set_manifest.json"]


def test_a_set_of_somebody_elses_beside_an_old_manifest_is_left_alone(tmp_path: Path) -> None:
    """It was given out for what the arrays make, and removed for another."""
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])
    shutil.rmtree(path)
    write_images(path, pixels(3, 1, 8, 8), [7, 7, 7])
    os.utime(Path(path) / "data.mdb", (1, 1))
    for labels in ([1, 2], [3, 4]):
        with pytest.raises(DataError, match="left alone"):
            from_arrays(path, pixels(2, 8, 8), labels)
    (Path(path) / "data.mdb").write_bytes(b"cut")
    with pytest.raises(DataError, match="left alone"):
        from_arrays(path, pixels(2, 8, 8), [3, 4])


def test_a_set_that_was_copied_with_its_manifest_is_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written anew, where its folder may be one that nobody writes into."""
    path = from_arrays(tmp_path / "set", pixels(2, 8, 8), [1, 2])
    os.utime(Path(path) / "data.mdb", (1, 1))
    with monkeypatch.context() as patched:
        patched.setattr(store, "locked", None)
        assert from_arrays(path, pixels(2, 8, 8), [1, 2]) == path
    assert stored(from_arrays(path, pixels(2, 8, 8), [3, 4]))[1] == [3, 4]
