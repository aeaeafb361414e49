"""Records read at once are what protobuf makes of each; what is not alike is left to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.io import batches
from owlkit.io.alike import parse_alike
from owlkit.io.batches import Batch, BatchReader
from owlkit.io.datum import array_to_datum, encoded_datum
from owlkit.io.records import Records
from owlkit.io.transform import Transformer
from owlkit.proto import caffe_pb2
from tests.io.test_batches import a_set

SHAPE = (3, 5, 4)


def datums(labels: list[int | None], shape: tuple[int, ...] = SHAPE, **fields: Any) -> list[Any]:
    made = []
    for number, label in enumerate(labels):
        pixels = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
        channels, height, width = shape
        datum = caffe_pb2.Datum(
            channels=channels, height=height, width=width, data=pixels.tobytes(), **fields
        )
        if label is not None:
            datum.label = label
        made.append(datum)
    return made


def written(made: list[Any]) -> list[bytes]:
    return [datum.SerializeToString() for datum in made]


@pytest.mark.parametrize(
    "labels",
    [
        [3],
        [0, 1, 9, 127],
        [128, 999, 16383],
        [16384, 2097151],
        [None, None],
        [0x38, 0x28, 0],
        [268435455] * 2,
    ],
    ids=str,
)
@pytest.mark.parametrize("fields", [{}, {"encoded": False}], ids=["plain", "said to be raw"])
def test_images_and_labels_are_those_of_protobuf(labels: list[int | None], fields: dict[str, Any]) -> None:
    made = datums(labels, **fields)
    found = parse_alike(written(made))
    assert found is not None
    images, numbers = found
    assert images.dtype == np.uint8
    assert numbers.dtype == np.int64
    assert numbers.tolist() == [label or 0 for label in labels]
    for image, datum in zip(images, made, strict=True):
        assert image.tobytes() == datum.data
    assert images.shape == (len(labels), *SHAPE)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 9, 14), (1, 1, 127), (1, 8, 16), (3, 80, 70)], ids=str)
def test_images_of_any_size(size: tuple[int, ...]) -> None:
    """Their length is written in one byte, in two, in three."""
    made = datums([1, 2], size)
    found = parse_alike(written(made))
    assert found is not None
    assert [image.tobytes() for image in found[0]] == [datum.data for datum in made]


OTHERS = {
    "labels of several lengths": written(datums([1, 300])),
    "a negative label": written(datums([-1, -1])),
    "shapes of one length": written([*datums([1], (1, 2, 8)), *datums([1], (1, 8, 2))]),
    "files of one length": written([encoded_datum(b"x" * 60, 1), encoded_datum(b"y" * 60, 2)]),
    "said to be files": written(datums([1, 2], encoded=True)),
    "numbers with a point": written([array_to_datum(np.ones(SHAPE, np.float32), 1)] * 2),
    "too few pixels": written([caffe_pb2.Datum(channels=3, height=5, width=4, data=b"x" * 59, label=1)] * 2),
    "no size": written([caffe_pb2.Datum(data=b"x", label=1)] * 2),
    "no Datum": [b"\xff" * 70, b"\xff" * 70],
    "nothing": [b"", b""],
    "a label behind which something stands": [value + b"\x28\x07" for value in written(datums([1, 2]))],
    "a label said to be a file": [value + b"\x38\x01" for value in written(datums([1, 2]))],
    "a label cut off": [value[:-1] + b"\x80" for value in written(datums([1, 2]))],
    "a later label cut off": [*written(datums([1])), written(datums([2]))[0][:-1] + b"\x80"],
    "a later label that ends early": [*written(datums([300])), written(datums([1]))[0] + b"\x07"],
    "a later field of another number": [*written(datums([1])), written(datums([2]))[0][:-2] + b"\x30\x02"],
    "the label first": [b"\x28\x05" + value for value in written(datums([None, None]))],
    "one whose shape stands elsewhere": [*written(datums([1])), written(datums([1]))[0][::-1]],
}


@pytest.mark.parametrize("values", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_alike_is_left_alone(values: list[bytes]) -> None:
    assert parse_alike(values) is None


@pytest.mark.parametrize("labels", [[4, 0, 9, 2, 1, 7], [4, 300, 9, 2, 1, 7]], ids=["alike", "not alike"])
@pytest.mark.parametrize("crop", [0, 3])
def test_batches_are_the_same_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: list[int | None], crop: int
) -> None:
    path = a_set(tmp_path / "set", datums(labels))
    param = caffe_pb2.TransformationParameter(scale=0.5, mean_value=[7], crop_size=crop, mirror=bool(crop))

    def read() -> list[Any]:
        reader = BatchReader(Records(path), Transformer(param, "train"), 4, seed=3)
        batch, found = Batch.empty((4, *reader.shape())), []
        for number in range(4):
            reader.fill(number, batch)
            found += [batch.data.tobytes(), batch.labels.tolist(), list(batch.keys)]
        return found

    at_once = read()
    monkeypatch.setattr(batches, "parse_alike", lambda values: None)
    assert read() == at_once
