"""What is kept of a small set gives the batches that reading gives; large sets and others are not kept."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.io import batches, kept
from owlkit.io.batches import Batch, BatchReader
from owlkit.io.kept import Kept
from owlkit.io.records import RecordCursor, Records
from owlkit.io.transform import Transformer
from owlkit.proto import caffe_pb2
from tests.io.test_alike import datums
from tests.io.test_batches import a_set

LABELS: list[int | None] = [4, 0, 9, 2, 1, 7, 5]


def reader_of(path: Path, size: int, **transform: Any) -> BatchReader:
    transformer = Transformer(caffe_pb2.TransformationParameter(**transform), "train")
    return BatchReader(Records(path), transformer, size, seed=3, skip=2)


def batches_of(reader: BatchReader, count: int = 9) -> list[Any]:
    batch, found = Batch.empty((reader.size, *reader.shape())), []
    for number in range(count):
        reader.fill(number, batch)
        found.append((batch.data.tobytes(), batch.labels.tolist(), list(batch.keys)))
    return found


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records were read, each time that some were."""
    found: list[int] = []
    take = RecordCursor.take
    monkeypatch.setattr(RecordCursor, "take", lambda self, count: found.append(count) or take(self, count))
    return found


@pytest.mark.parametrize("size", [1, 3, 7, 10])
@pytest.mark.parametrize("transform", [{}, {"scale": 0.5, "mean_value": [7], "crop_size": 3, "mirror": True}])
def test_batches_are_those_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, transform: dict[str, Any]
) -> None:
    path = a_set(tmp_path / "set", datums(LABELS))
    once = batches_of(reader_of(path, size, **transform))
    monkeypatch.setattr(kept, "MOST_BYTES", 7 * 60 - 1)
    assert batches_of(reader_of(path, size, **transform)) == once


def test_a_set_is_read_once_by_all_who_have_it_open(tmp_path: Path, taken: list[int]) -> None:
    path = a_set(tmp_path / "set", datums(LABELS))
    first, second = reader_of(path, 3), reader_of(path, 3)
    once = batches_of(first)
    assert taken == [3, 3, 3]
    assert batches_of(second) == once
    assert taken == [3, 3, 3, 3], "the first batch tells of what shape the images are"


@pytest.mark.parametrize(("most", "reads"), [(7 * 60, 3), (7 * 60 - 1, 9)])
def test_a_set_that_is_too_large_is_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[int], most: int, reads: int
) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", most)
    batches_of(reader_of(a_set(tmp_path / "set", datums(LABELS)), 3))
    assert len(taken) == reads


def test_images_asked_for_in_grey_are_checked_each_time(tmp_path: Path, taken: list[int]) -> None:
    path = a_set(tmp_path / "set", datums(LABELS, shape=(1, 5, 4)))
    alone = batches_of(reader_of(path, 3))
    assert batches_of(reader_of(path, 3, force_gray=True)) == alone
    assert len(taken) == 3 + 9


def test_a_batch_with_another_record_among_them_is_not_kept(tmp_path: Path, taken: list[int]) -> None:
    images = datums(LABELS)
    images[3].label = 300  # of two bytes: all of its batch are parsed one by one
    batches_of(reader_of(a_set(tmp_path / "set", images), 7), 4)
    assert taken == [7, 7, 7, 7]


def test_images_of_another_shape_are_not_kept() -> None:
    place = Kept(4, (1, 2, 3))
    images, labels = np.arange(12, dtype=np.uint8).reshape(2, 1, 2, 3), np.array([5, 6])
    place.put(0, [b"a", b"b"], images.reshape(2, 1, 3, 2), labels)
    assert place.take(0, 2) is None
    place.put(3, [b"d", b"a"], images, labels)
    assert place.take(2, 2) is None
    found = place.take(3, 2)
    assert found is not None
    keys, kept_images, kept_labels = found
    assert (keys, kept_labels.tolist()) == ([b"d", b"a"], [5, 6])
    np.testing.assert_array_equal(kept_images, images)


@pytest.mark.parametrize(
    ("transform", "light"),
    [({"scale": 0.5, "crop_size": 3}, False), ({"mirror": True}, False), ({"scale": 0.5}, True)],
    ids=str,
)
def test_batches_are_light_when_all_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: dict[str, Any], light: bool
) -> None:
    reader = reader_of(a_set(tmp_path / "set", datums(LABELS)), 3, **transform)
    batches_of(reader, 2)
    assert not reader.light, "a record was not read yet"
    batches_of(reader, 3)
    assert reader.light == light
    monkeypatch.setattr(batches, "LIGHT_BYTES", 3 * 60 - 1)
    assert not reader.light


def test_several_threads_read_and_keep(tmp_path: Path) -> None:
    path = a_set(tmp_path / "set", datums([i % 10 for i in range(100)]))
    expected, found = batches_of(reader_of(path, 8), 60), {}

    def read(number: int, reader: BatchReader) -> None:
        found[number] = batches_of(reader, 60)

    readers = [reader_of(path, 8) for _ in range(4)]
    threads = [threading.Thread(target=read, args=each) for each in enumerate(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected] * 4


def test_two_threads_may_read_by_one_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thread whose end was interrupted, and of the next one: what is kept would stay wrong."""
    path = a_set(tmp_path / "set", datums([i % 10 for i in range(100)]))
    expected, reader, seek = batches_of(reader_of(path, 5), 40), reader_of(path, 5), RecordCursor.seek
    found: dict[int, Any] = {}

    def slowly(cursor: RecordCursor, index: int) -> None:
        seek(cursor, index)
        time.sleep(0.001)

    def read(numbers: range) -> None:
        batch = Batch.empty((5, *reader.shape()))
        for number in numbers:
            reader.fill(number, batch)
            found[number] = (batch.data.tobytes(), batch.labels.tolist(), list(batch.keys))

    monkeypatch.setattr(RecordCursor, "seek", slowly)
    monkeypatch.setattr(kept, "MOST_BYTES", 0)
    threads = [threading.Thread(target=read, args=(range(first, 40, 2),)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(40)] == expected


def test_a_set_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "set"
    before = batches_of(reader_of(a_set(path, datums(LABELS)), 3))
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    after = batches_of(reader_of(a_set(path, datums(LABELS[::-1])), 3))
    assert before[0][1] != after[0][1]


REWRITE = """
import lmdb, sys
with lmdb.open(sys.argv[1], map_size=2**26) as env, env.begin(write=True) as transaction:
    keys, values = zip(*transaction.cursor())
    for key, value in zip([*keys, b"9999"], [*reversed(values), values[0]]):
        transaction.put(key, value)
"""


def test_a_set_that_another_process_writes_to_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its place: who had it open sees what was there, who opens it then all that is there now."""
    path = a_set(tmp_path / "set", datums(LABELS))
    first = reader_of(path, 3)
    before = batches_of(first)
    subprocess.run([sys.executable, "-c", REWRITE, str(path)], check=True)
    second = reader_of(path, 3)
    after = batches_of(second)
    assert batches_of(first) == before
    assert after[:2] != before[:2]
    monkeypatch.setattr(kept, "MOST_BYTES", 0)
    assert batches_of(reader_of(path, 3)) == after
