"""The data sets: digits from scikit-learn, MNIST from local files, CIFAR-10 from a made-up archive."""

import errno
import io
import json
import os
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import datasets
from owlkit.core.errors import DataError
from owlkit.datasets import catalogue, cifar, embedded, store
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.mean import read_mean
from owlkit.io.records import Records, label_histogram
from tests.datasets.server import Behaviour, serving
from tests.support.shared import shared


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OWLKIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def visible(folder: Path) -> list[str]:
    """All that is there, hidden files too."""
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def load(path: str) -> tuple[np.ndarray, list[int], list[bytes]]:
    records = [(key, parse_datum(value, key)) for key, value in Records(path)]
    images = np.stack([datum_to_array(datum) for _, datum in records])
    return images, [datum.label for _, datum in records], [key for key, _ in records]


# -- digits
def test_digits(folder: Path) -> None:
    train, labels, keys = load(datasets.digits("train"))
    test, test_labels, _ = load(datasets.digits("test"))
    assert train.shape == (1437, 1, 28, 28)
    assert test.shape == (360, 1, 28, 28)
    assert train.dtype == np.uint8
    assert (train.min(), train.max()) == (0, 255)
    assert keys[:2] == [b"00000000", b"00000001"]
    share = np.bincount(test_labels) / (np.bincount(labels) + np.bincount(test_labels))
    assert np.all(np.abs(share - 360 / 1797) < 0.006)
    assert len(set(labels[:50])) > 5  # shuffled
    together = {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert not together


def test_digits_are_the_same_everywhere(folder: Path) -> None:
    datasets.digits("train")
    manifest = json.loads((folder / "digits_manifest.json").read_text())
    expected = "159504d46c57269077527a85382db289095fa8170f2424ba0b41354828a88eb1"
    assert manifest["train"]["sha256"] == expected
    assert manifest["recipe"] == embedded.RECIPE
    assert visible(folder) == ["digits_manifest.json", "digits_test_lmdb", "digits_train_lmdb"]


def test_digits_are_made_once_and_anew_for_another_recipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(datasets.digits("train")) / "data.mdb"
    first = path.stat().st_ino
    datasets.digits("test")
    assert path.stat().st_ino == first
    entry = replace(catalogue.CATALOGUE["digits"], recipe=dict(embedded.RECIPE, version=2))
    monkeypatch.setitem(catalogue.CATALOGUE, "digits", entry)
    datasets.digits("train")
    assert path.stat().st_ino != first


def test_enlarging_is_bilinear() -> None:
    ramp = np.broadcast_to(np.arange(8) * 2, (1, 8, 8))
    row = embedded.enlarge(ramp)[0, 0].astype(float)
    position = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    assert np.abs(row - position * 2 * 255 / 16).max() <= 0.5
    assert np.all(embedded.enlarge(np.full((1, 8, 8), 16)) == 255)


def test_unknown_names() -> None:
    with pytest.raises(DataError, match=r"no data set 'minst' \(did you mean 'mnist'\?\)"):
        datasets.get("minst")
    with pytest.raises(DataError, match=r"digits has no subset 'tests' \(did you mean 'test'\?\)"):
        datasets.digits("tests")


# -- all or nothing
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), DataError("bad")])
def test_failure_in_the_middle_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    expected = DataError if isinstance(failure, OSError) else type(failure)

    def fail_after_train(staging: Path, files: Any, shuffle: Any) -> dict[str, Any]:
        (staging / "digits_train_lmdb").mkdir()
        raise failure

    entry = replace(catalogue.CATALOGUE["digits"], make=fail_after_train)
    with monkeypatch.context() as patch:
        patch.setitem(catalogue.CATALOGUE, "digits", entry)
        with pytest.raises(expected):
            datasets.digits("train")
        assert visible(folder) == []
    datasets.digits("train")
    before = visible(folder)
    monkeypatch.setitem(catalogue.CATALOGUE, "digits", entry)
    with pytest.raises(expected):
        datasets.get("digits", force=True)
    assert visible(folder) == before
    assert len(Records(folder / "digits_train_lmdb")) == 1437


def test_one_at_a_time_makes_a_set_and_no_lock_is_left(folder: Path) -> None:
    """Who waits holds the file that the one before has deleted: it is no lock any more."""
    inside: list[int] = []
    most: list[int] = []

    def make(number: int) -> None:
        for _ in range(20):
            with store.locked(folder, "set"):
                inside.append(number)
                time.sleep(0.0005)
                most.append(len(inside))
                inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert most == [1] * 80
    assert visible(folder) == []


def test_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OWLKIT_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(DataError, match="set OWLKIT_DATA to another folder"):
        datasets.digits("train")


def test_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert datasets.data_folder() == tmp_path / "data"
    monkeypatch.delenv("OWLKIT_DATA")
    assert datasets.data_folder().name == "data"  # of the checkout
    monkeypatch.setattr(store, "__file__", str(tmp_path / "site-packages/owlkit/datasets/store.py"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert datasets.data_folder() == tmp_path / "share/owlkit"


# -- MNIST
def small_mnist(target: Path, monkeypatch: pytest.MonkeyPatch, count: int = 40) -> None:
    """Files like MNIST's, of `count` images each, and their checksums in the catalogue."""
    import gzip
    import hashlib
    import struct

    target.mkdir()
    files = []
    rng = np.random.default_rng(0)
    for file in catalogue.CATALOGUE["mnist"].files:
        shape = (count, 28, 28) if "idx3" in file.name else (count,)
        values = rng.integers(0, 10, shape, dtype=np.uint8)
        content = struct.pack(f">4B{len(shape)}i", 0, 0, 8, len(shape), *shape) + values.tobytes()
        (target / file.name).write_bytes(gzip.compress(content))
        files.append(replace(file, checksum=hashlib.sha256(content).hexdigest()))
    entry = replace(catalogue.CATALOGUE["mnist"], files=tuple(files))
    monkeypatch.setitem(catalogue.CATALOGUE, "mnist", entry)


def test_mnist_of_a_local_mirror(folder: Path) -> None:
    mirror = shared("data/mnist")
    train = Records(datasets.mnist("train", mirror=str(mirror)))
    test = Records(datasets.mnist("test"))
    assert (len(train), len(test)) == (60_000, 10_000)
    assert label_histogram(test) == dict(
        enumerate([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    )  # as published
    key, value = train.first()
    assert key == b"00000000"
    assert parse_datum(value, key).label == 5
    assert not (folder / "downloads").exists()


def test_mnist_over_http_with_a_break(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_mnist(tmp_path / "served", monkeypatch)
    behaviour = Behaviour(tmp_path / "served", cut=1000, cuts=1)
    with serving(behaviour) as address:
        path = datasets.mnist("train", mirror=address)
        datasets.get("mnist", mirror=address)
    assert len(Records(path)) == 40
    assert behaviour.requests[:2] == ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz from 1000"]
    assert len(behaviour.requests) == 5


def test_wrong_mnist_leaves_no_set(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_mnist(tmp_path / "mirror", monkeypatch)
    labels = tmp_path / "mirror" / "t10k-labels-idx1-ubyte.gz"
    content = labels.read_bytes()
    labels.write_bytes(content[:-10])
    with pytest.raises(DataError, match=r"t10k-labels.*cut short or damaged"):
        datasets.mnist("train", mirror=str(tmp_path / "mirror"))
    assert visible(folder) == []
    labels.write_bytes(content)
    assert len(Records(datasets.mnist("test", mirror=str(tmp_path / "mirror")))) == 40


def test_shuffling(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_mnist(tmp_path / "mirror", monkeypatch)
    mirror = str(tmp_path / "mirror")
    plain, labels, _ = load(datasets.get("mnist", mirror=mirror)["train"])
    shuffled, other_labels, keys = load(datasets.get("mnist", mirror=mirror, shuffle=1)["train"])
    assert labels != other_labels
    assert sorted(labels) == sorted(other_labels)
    assert keys[0] == b"00000000"
    assert {p.tobytes() for p in plain} == {p.tobytes() for p in shuffled}
    assert load(datasets.mnist("train"))[1] == other_labels  # the set that is there, whatever its order


# -- CIFAR-10
def test_cifar10(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    with tarfile.open(tmp_path / cifar.ARCHIVE, "w:gz") as tar:
        for i, name in enumerate([*cifar._MEMBERS["train"], *cifar._MEMBERS["test"]]):
            records = rng.integers(0, 256, (4, 3073), dtype=np.uint8)
            records[:, 0] = i
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = records.size
            tar.addfile(member, io.BytesIO(records.tobytes()))
    monkeypatch.setattr(catalogue.RemoteFile, "check", lambda self, path: None)
    mirror = str(tmp_path)
    images, labels, keys = load(datasets.cifar10("train", mirror=mirror))
    assert images.shape == (20, 3, 32, 32)
    assert labels == sorted([0, 1, 2, 3, 4] * 4)
    assert keys[0] == b"00000"
    assert load(datasets.cifar10("test"))[1] == [5] * 4
    assert np.allclose(read_mean(datasets.cifar10("mean")), images.mean(0, dtype=np.float64))
    assert "cifar10_mean.binaryproto" in os.listdir(folder)
