"""Where data sets live, and how one is made: all of it or nothing, by one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from owlkit.core.errors import DataError
from owlkit.io.files import full_disk_error, is_full, write_bytes

Make = Callable[[Path], dict[str, Any]]


def data_folder() -> Path:
    """Where sets are kept: $OWLKIT_DATA, else `data` of the checkout, else ~/.local/share/owlkit."""
    chosen = os.environ.get("OWLKIT_DATA")
    if chosen:
        return Path(chosen).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "data").is_dir():
        return checkout / "data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "owlkit"


def manifest_path(folder: Path, name: str) -> Path:
    return folder / f"{name}_manifest.json"


def read_manifest(folder: Path, name: str) -> dict[str, Any] | None:
    """What was recorded when the set was made; None where it was not, or not to the end."""
    try:
        manifest = json.loads(manifest_path(folder, name).read_text())
        whole = all((folder / output).exists() for output in manifest["outputs"])
        return manifest if whole and "version" in manifest["recipe"] else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time make the set `name`; the others wait. Nothing is left of the lock."""
    path = folder / f".{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = _lock(path)
    except OSError as error:
        if is_full(error):
            raise full_disk_error(path, error) from error
        raise DataError(
            f"cannot write into {folder} ({error.strerror}); choose another folder (of the sets that are "
            "downloaded: set OWLKIT_DATA to another folder)"
        ) from error
    with stream:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is ours


def _lock(path: Path) -> TextIO:
    """The lock file, open and ours. Who has waited finds the file of before, which no newcomer sees."""
    while True:
        stream = path.open("w")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_at(path, stream):
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


def _is_at(path: Path, stream: TextIO) -> bool:
    """Whether an open file is the one that the path names now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def make_set(
    folder: Path,
    name: str,
    recipe: dict[str, Any],
    make: Make,
    *,
    force: bool = False,
    holds: Callable[[dict[str, Any]], bool] = lambda manifest: True,
) -> None:
    """Make the set `name` in `folder`, unless it is there already, made by the same recipe.

    recipe : what identifies how it is made (version, seed); recorded in the manifest.
    make : called with an empty folder; whatever it leaves there becomes part of `folder`; what it returns is
    added to the manifest. The set counts as made only once the manifest is written, as the last step. One
    that was there is kept aside until then: whoever is killed leaves one of the two, and the next call sees
    to it.
    holds : whether what lies there is still what a manifest tells of.
    """

    def is_made() -> bool:
        manifest = read_manifest(folder, name)
        return manifest is not None and not force and manifest["recipe"] == recipe and holds(manifest)

    if is_made() and not _aside(folder, name).exists():  # also where the folder is read-only
        return
    with locked(folder, name):
        staging = folder / f".{name}.making"
        _settle(staging, folder, name)
        if is_made():  # by another process meanwhile
            return
        try:
            staging.mkdir()
            details = make(staging)
            _publish(staging, folder, name, {"name": name, "recipe": recipe} | details)
        except OSError as error:
            if is_full(error):
                raise full_disk_error(folder / name, error) from error
            raise
        finally:
            _settle(staging, folder, name)


def _aside(folder: Path, name: str) -> Path:
    """Where a set is while another one takes its place."""
    return folder / f".{name}.before"


def _publish(staging: Path, folder: Path, name: str, manifest: dict[str, Any]) -> None:
    """Move what was made into place, the manifest at last; what was there, its manifest at first, aside."""
    outputs = sorted(path.name for path in staging.iterdir())
    content = json.dumps(manifest | {"outputs": outputs}, indent=2) + "\n"
    written = manifest_path(staging, name)
    write_bytes(written, content.encode())  # while a full disk still leaves all as it was
    aside = _aside(folder, name)
    aside.mkdir()
    for replaced in (written.name, *outputs):
        if os.path.lexists(folder / replaced):
            os.rename(folder / replaced, aside / replaced)
    for placed in (*outputs, written.name):
        os.rename(staging / placed, folder / placed)


def _settle(staging: Path, folder: Path, name: str) -> None:
    """Leave the new set where it is in its place as a whole, else the one that is aside, and no more."""
    aside, manifest = _aside(folder, name), manifest_path(folder, name)
    all_but_it = [path.name for path in staging.glob("*")] == [manifest.name]  # the rest is in its place
    if aside.is_dir() and not manifest.exists() and all_but_it:
        os.rename(staging / manifest.name, manifest)
    if aside.is_dir() and not manifest.exists():
        kept = sorted(aside.iterdir(), key=lambda path: path.name == manifest.name)  # that at last
        for path in kept:
            place = folder / path.name
            if os.path.lexists(place) and (staging / path.name).exists():
                continue  # the new one is not there yet: somebody has put something there meanwhile
            if place.is_dir():
                shutil.rmtree(place)
            os.replace(path, place)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(staging, ignore_errors=True)
