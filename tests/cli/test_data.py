"""`owlkit data`."""

import argparse
from pathlib import Path

import pytest

from owlkit import datasets
from owlkit.cli import data
from owlkit.core.errors import DataError
from owlkit.io.records import Records
from tests.support.sets import random_images, write_set


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    data.add_arguments(parser.add_subparsers())
    args = parser.parse_args(["data", *words])
    return int(args.run(args))


def test_get_and_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--to", str(tmp_path)) == 0
    assert "here" not in capsys.readouterr().out
    assert call("get", "digits", "--to", str(tmp_path)) == 0
    assert str(tmp_path / "digits_train_lmdb") in capsys.readouterr().out
    assert len(Records(tmp_path / "digits_test_lmdb")) == 360
    call("list", "--to", str(tmp_path))
    listed = capsys.readouterr().out
    assert listed.count(" here ") == 1
    assert all(name in listed for name in ("digits", "mnist", "fashion_mnist", "cifar10", "squeezenet"))


def test_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_set(tmp_path / "s", random_images(7), [3, 3, 3, 3, 9, 9, 0])
    assert call("info", str(path)) == 0
    out = capsys.readouterr().out
    assert "7 records, the first is (C, H, W) = (3, 8, 9), raw uint8" in out
    assert "3 labels" in out
    assert f"{3:6} {4:9} {'#' * 40}" in out


def test_the_help_names_the_sets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call("get", "--help")
    assert "one of digits, mnist, fashion_mnist, cifar10" in " ".join(capsys.readouterr().out.split())
    assert {*data.SETS, *data.MODELS} == set(datasets.CATALOGUE)


def test_errors_come_through(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data set"):
        call("get", "imagenet")
    with pytest.raises(DataError, match="there is no LMDB set"):
        call("info", str(tmp_path / "none"))


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_a_folder_that_is_no_set(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(DataError, match="is no LMDB set"):
        call("info", path)
