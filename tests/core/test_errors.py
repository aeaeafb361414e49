"""A file that is not there is one kind of error, whatever was to be read from it."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import owlkit
from owlkit.core.errors import DataError, MissingFileError
from owlkit.io.images import read_image, read_image_list
from owlkit.io.mean import read_mean
from owlkit.io.stored import read_weights

READERS: list[Callable[[str], Any]] = [
    owlkit.Net,
    owlkit.Solver,
    read_weights,
    read_mean,
    read_image_list,
    lambda path: read_image(path, color=True),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("kind", [MissingFileError, DataError, FileNotFoundError])
def test_a_missing_file(read: Callable[[str], Any], kind: type[Exception], tmp_path: Path) -> None:
    path = str(tmp_path / "nosuch.prototxt")
    with pytest.raises(kind) as caught:
        read(path)
    assert path in str(caught.value)


def test_it_can_be_added_to_and_sent_to_another_process() -> None:
    error = MissingFileError("there is no file a")
    error.add("give another")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "there is no file a; give another"
