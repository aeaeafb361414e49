"""oneDNN loads on a machine without libgomp, by way of scikit-learn's copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from owlkit.kernels.dnnl import gomp

DNNL = Path(sys.prefix) / "lib" / "libdnnl.so.3"
# No system has this one, so asking for it instead of libgomp.so.1 is being without libgomp.
ABSENT = "libgomp.so.9"
LOAD = """
import ctypes, sys
if len(sys.argv) > 2:
    ctypes.CDLL(sys.argv[2], ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(sys.argv[1])
engine = ctypes.c_void_p()
print("rc", library.dnnl_engine_create(ctypes.byref(engine), 1, ctypes.c_size_t(0)))
"""


def load(*libraries: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOAD, *map(str, libraries)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture
def dnnl_without_gomp(tmp_path: Path) -> Path:
    """A oneDNN that asks for a libgomp which this machine does not have."""
    if not DNNL.exists():
        pytest.skip(f"no {DNNL}: onednn-cpu-gomp is not installed here")
    copy = tmp_path / "libdnnl.so.3"
    copy.write_bytes(gomp.rename_soname(DNNL.read_bytes(), gomp.SONAME, ABSENT))
    return copy


@pytest.fixture
def bundled() -> Path:
    source = gomp.bundled_libgomp()
    if source is None:
        pytest.skip("this scikit-learn bundles no libgomp")
    return source


def test_onednn_loads_on_a_machine_without_libgomp(
    tmp_path: Path, bundled: Path, dnnl_without_gomp: Path
) -> None:
    without = load(dnnl_without_gomp)
    assert without.returncode != 0, "the machine was meant to be without libgomp"
    assert ABSENT in without.stderr
    found = gomp.find_libgomp(tmp_path, soname=ABSENT)
    assert found is not None
    assert load(dnnl_without_gomp, found).stdout == "rc 0\n"


def test_the_copy_is_made_once(tmp_path: Path, bundled: Path) -> None:
    first = gomp.find_libgomp(tmp_path)
    assert first is not None
    stamp = first.stat().st_mtime_ns
    assert gomp.find_libgomp(tmp_path) == first
    assert first.stat().st_mtime_ns == stamp
    assert [p.name for p in first.parent.iterdir()] == [gomp.SONAME]


def test_a_cut_copy_is_replaced(tmp_path: Path, bundled: Path) -> None:
    first = gomp.find_libgomp(tmp_path)
    assert first is not None
    first.write_bytes(b"cut")
    assert gomp.find_libgomp(tmp_path) == first
    assert first.stat().st_size == bundled.stat().st_size


def test_an_unwritable_cache_gives_a_temporary_copy(tmp_path: Path, bundled: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    found = gomp.find_libgomp(blocked)
    assert found is not None
    assert found.is_file()


def test_none_where_scikit_learn_bundles_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gomp, "bundled_libgomp", lambda: None)
    assert gomp.find_libgomp(tmp_path) is None


def test_a_longer_name_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        gomp.rename_soname(b"\0abc\0", "abc", "abcd")
