"""Atomic writing: old or new content, never a mixture; nothing left behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from owlkit.core.errors import DataError
from owlkit.io.files import read_bytes, write_atomically, write_bytes


def test_replaces_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old and long")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def write_half(path: Path, interruption: type[BaseException]) -> None:
    with write_atomically(path) as stream:
        stream.write(b"half")
        raise interruption


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_interruption_leaves_the_old_file(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    with pytest.raises(interruption):
        write_half(path, interruption)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_full_disk_names_path_and_free_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    with pytest.raises(DataError, match=r"no room to write .*a\.bin.*bytes are free"), write_atomically(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_limit_on_file_size_is_met_like_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from owlkit.io.files import write_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "write_bytes(sys.argv[1], bytes(1 << 20))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.bin")], capture_output=True, text=True, check=False
    )
    assert "DataError: no room to write" in done.stderr
    assert os.listdir(tmp_path) == []


def test_missing_folder_and_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        write_bytes(tmp_path / "none" / "a.bin", b"")
    with pytest.raises(DataError, match="it is a folder"):
        write_bytes(tmp_path, b"")


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    write_bytes(tmp_path / "real", b"old")
    (tmp_path / "link").symlink_to("real")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_missing_file_says_what_is_there(tmp_path: Path) -> None:
    write_bytes(tmp_path / "b.caffemodel", b"")
    with pytest.raises(DataError, match=r"there is no caffemodel .*its folder holds b\.caffemodel"):
        read_bytes(tmp_path / "a.caffemodel", "caffemodel")
