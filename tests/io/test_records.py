"""LMDB sets: growing, sharing, wrapping round, and every way in which a path can be wrong."""

import errno
import gc
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import lmdb
import numpy as np
import pytest

from owlkit.core.errors import DataError
from owlkit.io import claim
from owlkit.io.records import Records, label_histogram
from owlkit.io.writer import RecordWriter, written_together
from tests.support.sets import random_images, write_set


def a_set(path: Path, count: int = 5) -> Path:
    with RecordWriter(path) as writer:
        for i in range(count):
            writer.put(f"{i:04d}", b"v%d" % i)
    return path


def test_round_trip_and_digest(tmp_path: Path) -> None:
    records = Records(a_set(tmp_path / "s"))
    assert len(records) == 5
    assert list(records) == [(b"%04d" % i, b"v%d" % i) for i in range(5)]
    assert os.listdir(tmp_path) == ["s"]
    assert os.listdir(tmp_path / "s") == ["data.mdb"]


def test_overwriting_keeps_what_is_no_set(tmp_path: Path) -> None:
    """A folder of photographs named by mistake, and a copy of a set that somebody keeps beside it."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "owl.png").write_bytes(b"an owl")
    with pytest.raises(DataError, match=r"no LMDB set: it holds 'owl\.png'"):
        RecordWriter(photos, overwrite=True)
    a_set(tmp_path / "s"), a_set(tmp_path / "s.old", 3)
    with RecordWriter(tmp_path / "s", overwrite=True) as writer:
        writer.put("new", b"v")
    assert [len(Records(tmp_path / name)) for name in ("s", "s.old")] == [1, 3]
    assert sorted(os.listdir(tmp_path)) == ["photos", "s", "s.old"]


def test_a_set_stays_where_the_new_one_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename = a_set(tmp_path / "s"), os.rename

    def fails_for_the_new_one(source: Path, target: Path) -> None:
        if source.name == "s.partial":
            raise OSError(errno.EACCES, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails_for_the_new_one)
    with pytest.raises(DataError, match="Permission denied"), RecordWriter(path, overwrite=True) as writer:
        writer.put("new", b"v")
    assert len(Records(path)) == 5
    assert os.listdir(tmp_path) == ["s"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """The second one is told who is at work, and disturbs nothing; a reader is told too."""
    code = (
        "import sys\n"
        "from owlkit.io.writer import RecordWriter\n"
        "with RecordWriter(sys.argv[1]) as writer:\n"
        "    writer.put('theirs', b'v')\n"
        "    print('at work', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    words, path = [sys.executable, "-c", code, str(tmp_path / "s")], tmp_path / "s"
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        with pytest.raises(DataError, match=rf"s is being written by process {other.pid} on .* since 2"):
            RecordWriter(path).__enter__()
        with pytest.raises(DataError, match=rf"only half written, by process {other.pid} .*wait while"):
            Records(path)
        other.communicate()
    assert other.returncode == 0
    assert list(Records(path)) == [(b"theirs", b"v")]
    assert os.listdir(tmp_path) == ["s"]
    assert os.listdir(path) == ["data.mdb"]


def test_what_a_killed_writer_left_is_taken_away(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from owlkit.io.writer import RecordWriter\n"
        "with RecordWriter(sys.argv[1]) as writer:\n"
        "    writer.put('theirs', b'v'), writer._commit()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert sorted(os.listdir(tmp_path / "s.partial")) == ["data.mdb", "lock.mdb", "writer.txt"]
    assert list(Records(a_set(tmp_path / "s", 1))) == [(b"0000", b"v0")]
    assert os.listdir(tmp_path) == ["s"]


def test_a_set_that_appears_while_another_begins_stays(tmp_path: Path) -> None:
    late = RecordWriter(tmp_path / "s")
    a_set(tmp_path / "s")
    with pytest.raises(DataError, match="exists already"):
        late.__enter__()
    assert len(Records(tmp_path / "s")) == 5
    assert os.listdir(tmp_path) == ["s"]


def test_a_folder_renamed_by_its_writer_is_not_taken_for_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the folder and locking it, its writer may finish; the lock is then on the set."""
    other, flock = RecordWriter(tmp_path / "s").__enter__(), claim.fcntl.flock
    other.put("theirs", b"v")

    def finished_meanwhile(descriptor: int, how: int) -> None:
        monkeypatch.setattr(claim.fcntl, "flock", flock)
        other.__exit__(None, None, None)
        flock(descriptor, how)

    monkeypatch.setattr(claim.fcntl, "flock", finished_meanwhile)
    with RecordWriter(tmp_path / "s", overwrite=True) as writer:
        assert list(Records(tmp_path / "s")) == [(b"theirs", b"v")]
        writer.put("ours", b"v")
    assert list(Records(tmp_path / "s")) == [(b"ours", b"v")]
    assert os.listdir(tmp_path) == ["s"]


def test_files_of_somebody_else_where_a_set_would_be_made_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.partial").mkdir()
    (tmp_path / "s.partial" / "owl.png").write_bytes(b"an owl")
    with pytest.raises(DataError, match=r"s\.partial, where the set would be made, holds 'owl\.png'"):
        a_set(tmp_path / "s")
    assert (tmp_path / "s.partial" / "owl.png").read_bytes() == b"an owl"
    (tmp_path / "t.partial").write_bytes(b"a file")
    with pytest.raises(DataError, match="cannot write the LMDB set"):
        a_set(tmp_path / "t")
    assert (tmp_path / "t.partial").read_bytes() == b"a file"


@pytest.mark.parametrize("failing", ["complete", "place"])
def test_of_several_sets_all_appear_or_none(
    tmp_path: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(RecordWriter):
        pass

    def fails(self: RecordWriter) -> None:
        with self._explained():
            raise lmdb.DiskError(os.strerror(errno.ENOSPC))

    setattr(Fails, failing, fails)
    a_set(tmp_path / "b")
    writers = [RecordWriter(tmp_path / "a"), RecordWriter(tmp_path / "b", overwrite=True)]

    def write(*more: RecordWriter) -> None:
        with written_together([*writers, *more]):
            for writer in (*writers, *more):
                writer.put("k", b"v")

    with pytest.raises(DataError, match="no room to write"):
        write(Fails(tmp_path / "c"))
    assert os.listdir(tmp_path) == ["b"]
    assert len(Records(tmp_path / "b")) == 5
    writers = [RecordWriter(tmp_path / "a"), RecordWriter(tmp_path / "b", overwrite=True)]
    write()
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert [len(Records(tmp_path / name)) for name in ("a", "b")] == [1, 1]


def test_map_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit.io.writer._FIRST_MAP", 1 << 16)
    with RecordWriter(tmp_path / "s") as writer:
        for i in range(2500):
            writer.put(f"{i:08d}", bytes(1000))
    assert len(Records(tmp_path / "s")) == 2500


def test_one_environment_for_all(tmp_path: Path) -> None:
    path = a_set(tmp_path / "s")
    (tmp_path / "link").symlink_to(path)
    first, second, third = Records(path), Records(str(path)), Records(tmp_path / "link")
    assert first._environment is second._environment is third._environment
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda r=r: found.append(len(list(r)))) for r in (first, second, third)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5, 5, 5]


def test_environment_is_closed_with_its_last_user(tmp_path: Path) -> None:
    path = a_set(tmp_path / "s")
    records = Records(path)
    del records
    gc.collect()
    lmdb.open(str(path), readonly=True, lock=False).close()  # py-lmdb refuses a path that is open


def test_cursor_wraps_and_seeks(tmp_path: Path) -> None:
    cursor = Records(a_set(tmp_path / "s", 3)).cursor()
    assert [cursor.next()[1] for _ in range(7)] == [b"v0", b"v1", b"v2", b"v0", b"v1", b"v2", b"v0"]
    for target in (2, 0, 1, 3, 8):
        cursor.seek(target)
        assert cursor.next()[1] == b"v%d" % (target % 3)


def test_rewritten_while_open(tmp_path: Path) -> None:
    path = a_set(tmp_path / "s", 3)
    old = Records(path)
    with RecordWriter(path, overwrite=True) as writer:
        writer.put("a", b"new")
    assert len(old) == 3
    assert next(iter(old))[1] == b"v0"
    assert list(Records(path)) == [(b"a", b"new")]


def test_existing_set_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="exists already"):
        RecordWriter(a_set(tmp_path / "s"))


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_interrupted_writing_leaves_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = a_set(tmp_path / "old")

    def write(target: Path) -> None:
        with RecordWriter(target, overwrite=True) as writer:
            for i in range(1500):
                writer.put(f"{i}", b"x")
            raise interruption

    for target in (path, tmp_path / "new"):
        with pytest.raises(interruption):
            write(target)
    assert os.listdir(tmp_path) == ["old"]
    assert len(Records(path)) == 5


def test_full_disk_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(RecordWriter):
        def _commit(self) -> None:
            raise lmdb.DiskError(os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match="no room to write"), Full(tmp_path / "s") as writer:
        writer.put("a", b"")
    assert os.listdir(tmp_path) == []


def put_twice(writer: RecordWriter) -> None:
    writer.put("a", b"")
    writer.put("a", b"")


def test_limit_on_file_size_while_writing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from owlkit.io.writer import RecordWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "with RecordWriter(sys.argv[1]) as writer:\n"
        "    for i in range(3000):\n"
        "        writer.put(f'{i}', bytes(1000))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, text=True, check=False
    )
    assert "DataError: no room to write" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = re.escape(f"Not a directory ({tmp_path / 'file' / 'folder'}); choose another folder")
    with pytest.raises(DataError, match=f"cannot write the LMDB set .*: {place}$"):
        a_set(tmp_path / "file" / "folder" / "s")


def test_double_key(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="two records have the key b'a'"),
        RecordWriter(tmp_path / "s") as writer,
    ):
        put_twice(writer)
    assert os.listdir(tmp_path) == []


def test_wrong_paths(tmp_path: Path) -> None:
    a_set(tmp_path / "right")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "cat.jpg").touch()
    (tmp_path / "half.partial").mkdir()
    (tmp_path / "level").mkdir()
    (tmp_path / "level" / "CURRENT").touch()
    (tmp_path / "level" / "MANIFEST-000002").touch()
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "data.mdb").write_bytes(b"junk" * 5000)
    lmdb.open(str(tmp_path / "empty")).close()
    expected = {
        "missing": "there is no LMDB set .*beside it are .*right",
        "nowhere/x": "the folder .* does not exist",
        "file": "is a file",
        "images": "it has no data.mdb, but cat.jpg",
        "half": "only half written",
        "level": "LevelDB set.*again as LMDB .*by `owlkit convert-imageset`",
        "junk": "cannot be read as an LMDB set",
        "empty": "holds no records",
    }
    for name, message in expected.items():
        with pytest.raises(DataError, match=message):
            Records(tmp_path / name)


def test_label_histogram(tmp_path: Path) -> None:
    path = write_set(tmp_path / "s", random_images(5), [1, 0, 1, 7, 1])
    assert label_histogram(Records(path)) == {1: 3, 0: 1, 7: 1}


def test_datum_errors_name_the_key(tmp_path: Path) -> None:
    from owlkit.io.datum import array_to_datum, datum_to_array, encoded_datum, parse_datum

    with pytest.raises(DataError, match="record 'k7' is not a Datum"):
        parse_datum(b"\xff\xff", b"k7")
    with pytest.raises(DataError, match="record 'k8': the encoded image cannot be decoded"):
        datum_to_array(encoded_datum(b"no image"), b"k8")
    datum = array_to_datum(np.zeros((3, 4, 5), np.uint8))
    datum.data = datum.data[:-1]
    with pytest.raises(DataError, match=r"record 'k9'.*\(3, 4, 5\) needs 60 values, found 59"):
        datum_to_array(datum, b"k9")
    with pytest.raises(DataError, match="force_gray asks for 1 channel"):
        datum_to_array(array_to_datum(np.zeros((3, 4, 5), np.uint8)), b"k", gray=True)


def test_datum_float_and_encoded() -> None:
    import io

    from PIL import Image

    from owlkit.io.datum import array_to_datum, datum_to_array, encoded_datum

    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    assert np.array_equal(datum_to_array(array_to_datum(values)), values)
    rgb = random_images(1, (6, 5, 3))[0]
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    datum = encoded_datum(buffer.getvalue(), 3)
    assert np.array_equal(datum_to_array(datum), rgb.transpose(2, 0, 1)[::-1])  # blue, green, red
    assert datum_to_array(datum, gray=True).shape == (1, 6, 5)
    buffer = io.BytesIO()
    Image.fromarray(rgb[..., 0]).save(buffer, "PNG")
    gray = encoded_datum(buffer.getvalue())
    assert np.array_equal(datum_to_array(gray), rgb[None, ..., 0])
    assert np.array_equal(datum_to_array(gray, color=True), np.stack([rgb[..., 0]] * 3))


def test_a_set_that_was_cut_short(tmp_path: Path) -> None:
    """LMDB itself would end the process where the file ends."""
    path = a_set(tmp_path / "s", 200)
    data = path / "data.mdb"
    whole = data.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, 5000, 100):
        data.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cannot be read as an LMDB set: .*copy or convert it again"):
            Records(path)


def test_a_missing_set_with_none_beside_it_says_what_writes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = f"no LMDB set train_lmdb (paths count from {tmp_path}); `owlkit convert-imageset`"
    with pytest.raises(DataError, match=re.escape(words)):
        Records("train_lmdb")
