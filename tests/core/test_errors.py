"""A file that is not there is one kind of error, whatever was to be read from it."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import owlkit
from owlkit.core.errors import DataError, MissingFileError, closest
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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lr", "base_lr"),
        ("kernel", "kernel_size"),
        ("Conv", "Convolution"),
        ("SoftMax", "Softmax"),
        ("Convoluton", "Convolution"),
        ("snapshot_prefx", "snapshot_prefix"),
    ],
)
def test_what_was_cut_short_is_found_before_what_has_like_letters(name: str, meant: str) -> None:
    names = ["Concat", "Convolution", "SoftmaxWithLoss", "Softmax", "base_lr", "lr_policy"]
    names += ["kernel_size", "kernel_w", "snapshot", "snapshot_prefix"]
    assert closest(name, names) == f" (did you mean {meant!r}?)"


@pytest.mark.parametrize("name", ["x", "", "zebra"])
def test_nothing_is_suggested_where_nothing_is_near(name: str) -> None:
    assert closest(name, ["base_lr", "xavier", "kernel_size"]) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nosuch.prototxt", ""),  # nearer by its letters than by what it is called
        ("nope.caffemodel", ""),
        ("solvr.prototxt", "solver.prototxt"),
        ("trainval.prototxt", "train_val.prototxt"),
        ("solver.protoxt", "solver.prototxt"),
    ],
)
def test_files_are_not_alike_by_their_ending(name: str, meant: str) -> None:
    names = ["s_siam.prototxt", "train_val.prototxt", "solver.prototxt", "rand.caffemodel"]
    assert closest(name, names) == (f" (did you mean {meant!r}?)" if meant else "")


def test_of_a_mean_file_that_is_missing_it_says_what_makes_one() -> None:
    with pytest.raises(MissingFileError, match="no mean file nowhere") as caught:
        read_mean("nowhere/mean.binaryproto")
    assert f"nowhere does not exist (paths count from {Path.cwd()})" in str(caught.value)
    assert "`owlkit compute-image-mean SET nowhere/mean.binaryproto`" in str(caught.value)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, not an image file"):
        read_image(str(tmp_path), color=True)
