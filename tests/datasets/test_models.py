"""Published models: from the layout of a checkout, over HTTP, and what is refused."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from owlkit import Net, datasets
from owlkit.cli.main import main
from owlkit.core.errors import DataError
from owlkit.datasets import catalogue, models
from owlkit.datasets.download import RemoteFile
from tests.datasets.server import Behaviour, serving
from tests.support.shared import shared

DEFINITION = b"""
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 } }
"""
NAMES = b"n1 owl\nn2 cat\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OWLKIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def small(target: Path, monkeypatch: pytest.MonkeyPatch, name: str = "caffenet") -> dict[str, bytes]:
    """Files like a model's, their checksums in the catalogue, and none of its addresses."""
    target.mkdir()
    (target / "made.prototxt").write_bytes(DEFINITION)
    Net(target / "made.prototxt", seed=3).save(target / "made.caffemodel")
    entry = catalogue.CATALOGUE[name]
    contents = {
        entry.files[0].name: DEFINITION,
        entry.files[1].name: (target / "made.caffemodel").read_bytes(),
    }
    files = []
    for file in entry.files:
        (target / file.name).write_bytes(contents[file.name])
        checksum = hashlib.new(file.algorithm, contents[file.name]).hexdigest()
        files.append(replace(file, checksum=checksum, addresses=()))
    monkeypatch.setitem(catalogue.CATALOGUE, name, replace(entry, files=tuple(files), addresses=()))
    return contents


@pytest.mark.parametrize("name", ["squeezenet", "caffenet", "googlenet"])
def test_a_model_over_http(
    name: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    contents = small(tmp_path / "served", monkeypatch, name)
    behaviour = Behaviour(tmp_path / "served", cut=100, cuts=1)
    with serving(behaviour) as address:
        assert main(["data", "get", name, "--mirror", address]) == 0
        assert main(["data", "get", name]) == 0  # it is there: nothing is asked for
    definition, weights = datasets.model(name)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[-2:]] == [
        ["definition", definition],
        ["weights", weights],
    ]
    assert Path(definition) == folder / name / "deploy.prototxt"
    assert {Path(path).name: Path(path).read_bytes() for path in (definition, weights)} == contents
    assert len(behaviour.requests) == 3  # one of the two broke off once
    net = Net(definition, weights=weights, phase="test")
    np.testing.assert_array_equal(net.params["conv"][0].data, Net(definition, seed=3).params["conv"][0].data)


def test_weights_come_from_their_own_address(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path / "weights", monkeypatch)
    (tmp_path / "definitions").mkdir()
    (tmp_path / "weights" / "deploy.prototxt").rename(tmp_path / "definitions" / "deploy.prototxt")
    behaviours = [Behaviour(tmp_path / "definitions"), Behaviour(tmp_path / "weights")]
    entry = catalogue.CATALOGUE["caffenet"]
    with serving(behaviours[0]) as first, serving(behaviours[1]) as second:
        files = (entry.files[0], replace(entry.files[1], addresses=(second,)))
        monkeypatch.setitem(catalogue.CATALOGUE, "caffenet", replace(entry, files=files, addresses=(first,)))
        datasets.get("caffenet")
    assert [b.requests for b in behaviours] == [["deploy.prototxt"], ["bvlc_reference_caffenet.caffemodel"]]
    weights = folder / "caffenet" / "bvlc_reference_caffenet.caffemodel"
    assert weights.samefile(folder / "downloads" / "caffenet" / weights.name), "large files lie there once"


def test_squeezenet_of_a_local_folder(folder: Path) -> None:
    mirror = shared("models/squeezenet_v1.1")
    definition, weights = datasets.model("squeezenet", mirror=str(mirror))
    assert Path(weights).parent == folder / "squeezenet"
    net = Net(definition, weights=weights, phase="test")
    assert net.params["conv1"][0].shape == (64, 3, 3, 3)
    with pytest.raises(DataError, match="has no bvlc_googlenet"):
        datasets.get("googlenet", mirror=str(shared("models/bvlc/models/bvlc_googlenet")))


def test_definitions_are_those_that_bvlc_publishes() -> None:
    for name in ("caffenet", "googlenet"):
        home = "bvlc_reference_caffenet" if name == "caffenet" else "bvlc_googlenet"
        path = shared(f"models/bvlc/models/{home}/deploy.prototxt")
        assert catalogue.CATALOGUE[name].files[0].check(path) is None


def test_labels(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RemoteFile(
        "caffe_ilsvrc12.tar.gz", "sha256", hashlib.sha256(NAMES).hexdigest(), member=models.LABELS
    )
    entry = catalogue.CATALOGUE["imagenet_labels"]
    monkeypatch.setitem(catalogue.CATALOGUE, "imagenet_labels", replace(entry, files=(file,)))
    packed = tmp_path / "packed"
    packed.mkdir()
    for names, problem in ((NAMES[:-1], "its sha256 of synset_words.txt in it is"), (NAMES, "")):
        with tarfile.open(packed / file.name, "w:gz") as tar:
            member = tarfile.TarInfo(models.LABELS)
            member.size = len(names)
            tar.addfile(member, io.BytesIO(names))
        if problem:
            with pytest.raises(DataError, match=problem):
                datasets.imagenet_labels(mirror=str(packed))
    assert Path(datasets.imagenet_labels(mirror=str(packed))).read_bytes() == NAMES
    (packed / file.name).write_bytes(b"no archive")
    assert "cut short or damaged" in str(file.check(packed / file.name))


def test_labels_that_lie_unpacked() -> None:
    path = datasets.imagenet_labels(mirror=str(shared("data/imagenet-sample")))
    lines = Path(path).read_text().splitlines()
    assert len(lines) == 1000
    assert lines[24].startswith("n01622779 great grey owl")


def test_what_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"no model 'squezenet' \(did you mean 'squeezenet'\?\)"):
        datasets.model("squezenet")
    with pytest.raises(DataError, match="no model 'mnist'"):
        datasets.model("mnist")
    with pytest.raises(DataError, match="no records to shuffle"):
        datasets.get("googlenet", shuffle=1)
    small(tmp_path / "mirror", monkeypatch)
    with (tmp_path / "mirror" / "bvlc_reference_caffenet.caffemodel").open("ab") as stream:
        stream.write(b"?")
    with pytest.raises(DataError, match="is not the right file: its sha1 is"):
        datasets.get("caffenet", mirror=str(tmp_path / "mirror"))
    assert not (folder / "caffenet").exists()
