"""Downloads from a loopback server: whole, resumed, cut short, wrong, without room."""

import errno
import gzip
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError
from owlkit.datasets import download
from owlkit.datasets.download import RemoteFile, obtain
from owlkit.datasets.progress import Progress
from tests.datasets.server import Behaviour, serving

CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = RemoteFile("a.bin", "sha256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def behaviour(tmp_path: Path) -> Behaviour:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(CONTENT)
    return Behaviour(tmp_path / "served")


def test_whole_download_is_kept(tmp_path: Path, behaviour: Behaviour) -> None:
    with serving(behaviour) as address:
        for _ in range(2):
            path = obtain(FILE, tmp_path / "down", [address])
    assert path.read_bytes() == CONTENT
    assert behaviour.requests == ["a.bin"]
    assert os.listdir(tmp_path / "down") == ["a.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_download_goes_on(tmp_path: Path, behaviour: Behaviour, ranges: bool) -> None:
    behaviour.cut, behaviour.cuts, behaviour.ranges = 100_000, 1, ranges
    with serving(behaviour) as address:
        assert obtain(FILE, tmp_path / "down", [address]).read_bytes() == CONTENT
    assert behaviour.requests == ["a.bin", "a.bin from 100000" if ranges else "a.bin"]


def test_next_call_goes_on_where_this_one_gave_up(tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.cut, behaviour.cuts = 50_000, 3
    with serving(behaviour) as address:
        with pytest.raises(DataError, match=r"a\.bin: cut short: 150,000 of 300,000 bytes"):
            obtain(FILE, tmp_path / "down", [address])
        assert os.listdir(tmp_path / "down") == ["a.bin.part"]
        assert obtain(FILE, tmp_path / "down", [address]).read_bytes() == CONTENT
    assert behaviour.requests[-1] == "a.bin from 150000"


def test_part_of_something_else_is_dropped(tmp_path: Path, behaviour: Behaviour) -> None:
    (tmp_path / "down").mkdir()
    for rest in (bytes(1000), bytes(300_000), bytes(400_000)):
        (tmp_path / "down" / "a.bin.part").write_bytes(rest)
        with serving(behaviour) as address:
            assert obtain(FILE, tmp_path / "down", [address], force=True).read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(tmp_path: Path, behaviour: Behaviour) -> None:
    (behaviour.folder / "a.bin").write_bytes(CONTENT[:-1] + b"?")
    with serving(behaviour) as address, pytest.raises(DataError, match=r"its sha256 is .*, expected"):
        obtain(FILE, tmp_path / "down", [address])
    assert os.listdir(tmp_path / "down") == []


def test_mirrors_are_tried_in_order(tmp_path: Path, behaviour: Behaviour) -> None:
    with serving(behaviour) as address:
        nowhere = [f"{address}/none", "http://127.0.0.1:9"]
        assert obtain(FILE, tmp_path / "down", [*nowhere, address]).read_bytes() == CONTENT
        with pytest.raises(DataError, match=r"(?s)the server answers 404.*broken off.*Try again"):
            obtain(FILE, tmp_path / "other", nowhere)


def test_full_disk_leaves_nothing(
    tmp_path: Path, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*args: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download, "_copy", no_room)
    with serving(behaviour) as address, pytest.raises(DataError, match=r"no room to write .*a\.bin"):
        obtain(FILE, tmp_path / "down", [address])
    assert os.listdir(tmp_path / "down") == []


def test_interruption_keeps_the_part(
    tmp_path: Path, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Progress, count: int) -> None:
        raise KeyboardInterrupt

    with serving(behaviour) as address:
        with monkeypatch.context() as patch:
            patch.setattr(Progress, "advance", interrupted)
            with pytest.raises(KeyboardInterrupt):
                obtain(FILE, tmp_path / "down", [address])
        assert os.listdir(tmp_path / "down") == ["a.bin.part"]
        assert obtain(FILE, tmp_path / "down", [address]).read_bytes() == CONTENT
    assert behaviour.requests[1].startswith("a.bin from ")


def test_local_mirror_is_checked_and_left_alone(tmp_path: Path, behaviour: Behaviour) -> None:
    found = obtain(FILE, tmp_path / "down", [], mirror=str(behaviour.folder))
    assert found == behaviour.folder / "a.bin"
    assert not (tmp_path / "down").exists()
    found.write_bytes(CONTENT[:100])
    with pytest.raises(DataError, match="is not the right file: its sha256"):
        obtain(FILE, tmp_path / "down", [], mirror=str(behaviour.folder))
    with pytest.raises(DataError, match=r"has no a\.bin"):
        obtain(FILE, tmp_path / "down", [], mirror=str(tmp_path))


def test_checksum_of_the_unpacked_file(tmp_path: Path) -> None:
    file = RemoteFile("a.gz", "sha256", FILE.checksum, unpacked=True)
    for level in (1, 9):
        (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT, level))
        assert file.check(tmp_path / "a.gz") is None
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT)[:-1000])
    assert "cut short or damaged" in str(file.check(tmp_path / "a.gz"))
    (tmp_path / "a.gz").write_bytes(b"<html>")
    assert "cut short or damaged" in str(file.check(tmp_path / "a.gz"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "expected"), [(io.StringIO(), "done\n"), (Terminal(), "\r")])
def test_progress(stream: io.StringIO, expected: str) -> None:
    with Progress("a.bin", 2_000_000, stream=stream) as progress:
        progress.advance(1_000_000)
        assert "50%  1.0 of 2.0 MB" in progress.line()
    assert expected in stream.getvalue()
    assert ("\r" in stream.getvalue()) == stream.isatty()
