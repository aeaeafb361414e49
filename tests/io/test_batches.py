"""Batches of records: one view of all images where they are raw and alike, and one of each elsewhere."""

import io
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image

from owlkit.core.errors import DataError
from owlkit.io import batches
from owlkit.io.batches import Batch, BatchReader
from owlkit.io.datum import array_to_datum, encoded_datum, join_raw
from owlkit.io.records import RecordCursor, Records
from owlkit.io.transform import Transformer
from owlkit.io.writer import RecordWriter
from owlkit.proto import caffe_pb2

IMAGES = np.random.default_rng(1).integers(0, 256, (10, 3, 6, 5), np.uint8)


def a_set(path: Path, datums: list[Any]) -> Path:
    with RecordWriter(path) as writer:
        for number, datum in enumerate(datums):
            writer.put(f"{number:04d}", datum.SerializeToString())
    return path


def raw() -> list[Any]:
    return [array_to_datum(image, 7 * i) for i, image in enumerate(IMAGES)]


def batch_of(path: Path, number: int, **transform: Any) -> Batch:
    transformer = Transformer(caffe_pb2.TransformationParameter(**transform), "train")
    reader = BatchReader(Records(path), transformer, 4, seed=3, skip=1)
    batch = Batch.empty((4, *reader.shape()))
    reader.fill(number, batch)
    return batch


def test_a_batch_goes_round_the_set(tmp_path: Path) -> None:
    batch = batch_of(a_set(tmp_path / "s", raw()), 2)
    assert batch.keys == [b"0009", b"0000", b"0001", b"0002"]
    assert batch.labels.tolist() == [63, 0, 7, 14]
    np.testing.assert_array_equal(batch.data, IMAGES[[9, 0, 1, 2]])


@pytest.mark.parametrize(
    "transform", [{}, {"mirror": True, "crop_size": 4, "mean_value": [2, 3, 4], "scale": 0.1}]
)
def test_joined_images_give_the_same_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: dict[str, Any]
) -> None:
    path = a_set(tmp_path / "s", raw())
    joined = [batch_of(path, number, **transform).data for number in range(5)]
    monkeypatch.setattr(batches, "join_raw", lambda datums: None)
    for number, data in enumerate(joined):
        np.testing.assert_array_equal(data, batch_of(path, number, **transform).data)


def test_what_is_joined() -> None:
    joined = join_raw(raw())
    assert joined is not None
    np.testing.assert_array_equal(joined, IMAGES)
    png = io.BytesIO()
    Image.new("RGB", (5, 6)).save(png, "PNG")
    short = array_to_datum(IMAGES[0])
    short.data = short.data[:-1]
    floats = array_to_datum(IMAGES[0].astype(np.float32))
    for other in (encoded_datum(png.getvalue()), short, floats, caffe_pb2.Datum()):
        assert join_raw([other]) is None
        assert join_raw([*raw(), other]) is None
    assert join_raw([*raw(), array_to_datum(IMAGES[0, :, :5])]) is None
    as_long = raw()[0]  # an image file of as many bytes as it has pixels
    as_long.encoded = True
    assert join_raw([as_long]) is None


def test_a_record_among_others_that_fails_is_named(tmp_path: Path) -> None:
    datums = raw()
    datums[3].data = b"abc"
    with pytest.raises(DataError, match=r"record '0003'.*needs 90 values, found 3"):
        batch_of(a_set(tmp_path / "s", datums), 0)
    with pytest.raises(DataError, match=r"record '0000'.*force_gray asks for 1 channel"):
        batch_of(a_set(tmp_path / "raw", raw()), 0, force_gray=True)


def test_more_records_than_the_set_has(tmp_path: Path) -> None:
    cursor = Records(a_set(tmp_path / "s", raw()[:3])).cursor()
    assert [key for key, _ in cursor.take(8)] == [b"%04d" % (i % 3) for i in range(8)]
    assert cursor.index == 2


class _Failing:
    """A cursor of LMDB that reads two records."""

    def iternext(self) -> Any:
        yield from [(b"0", b""), (b"1", b"")]
        raise lmdb.PageNotFoundError("gone")


def test_a_record_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    cursor: RecordCursor = Records(a_set(tmp_path / "s", raw())).cursor()
    cursor.seek(4)
    cursor._cursor = _Failing()
    with pytest.raises(DataError, match="record 6 cannot be read: gone"):
        cursor.take(5)
