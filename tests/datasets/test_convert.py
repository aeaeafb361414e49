"""Arrays of images become a set, or nothing is written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError
from owlkit.datasets.convert import write_images
from owlkit.io.datum import parse_datum
from owlkit.io.records import Records

IMAGES = np.arange(48, dtype=np.uint8).reshape(4, 1, 3, 4)


def labels_of(path: Path) -> list[int]:
    return [parse_datum(value, key).label for key, value in Records(path)]


def test_negative_labels_are_no_class(tmp_path: Path) -> None:
    details = write_images(tmp_path / "set", IMAGES, [-1, 0, 1, 2])
    assert labels_of(tmp_path / "set") == [-1, 0, 1, 2]
    assert details["labels"] == [1, 1, 1]
    assert details["count"] == 4


def test_labels_too_high_to_count_are_written(tmp_path: Path) -> None:
    details = write_images(tmp_path / "set", IMAGES, [2**31 - 1, -(2**31), 0, 1])
    assert labels_of(tmp_path / "set") == [2**31 - 1, -(2**31), 0, 1]
    assert "labels" not in details


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], r"4 images need labels of shape \(4,\), found \(3,\)"),
        ([0, 1, 2, 3, 4], r"found \(5,\); give one label per image"),
        (np.zeros((4, 1), int), r"found \(4, 1\)"),
        ([0.0, 1.0, 2.0, 3.0], "labels are integers, found float64"),
        ([0, 1, 2, 2**31], "label 2147483648 is beyond int32"),
    ],
)
def test_wrong_labels_leave_nothing(tmp_path: Path, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_images(tmp_path / "set", IMAGES, labels)
    assert list(tmp_path.iterdir()) == []


def test_wrong_images_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images have axes \(N, C, H, W\), found shape \(4, 3, 4\)"):
        write_images(tmp_path / "set", IMAGES[:, 0], [0, 1, 2, 3])
    assert list(tmp_path.iterdir()) == []
