"""convert-imageset, compute-image-mean and extract-features, on photographs and real models.

What they write is compared with computations of its own: OpenCV reads and resizes the photographs, NumPy adds
them up, a Net runs the model.
"""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from owlkit.cli.main import main
from owlkit.io import writer
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.mean import read_mean
from owlkit.io.records import Records
from owlkit.net import Net
from tests.support.sets import random_images, write_set
from tests.support.shared import shared

COUNT = 12  # photographs; enough, and quick


def images_of(path: Path) -> dict[str, tuple[np.ndarray, int]]:
    """Key -> (image, label)."""
    found = {}
    for key, value in Records(path):
        datum = parse_datum(value, key)
        found[key.decode()] = (datum_to_array(datum, key), datum.label)
    return found


class Photographs:
    """A list of real photographs with labels, in an empty working directory."""

    def __init__(self, folder: Path) -> None:
        self.root = shared("data/imagenet-sample")
        self.names = sorted(path.name for path in self.root.glob("*.JPEG"))[:COUNT]
        (folder / "list.txt").write_text("".join(f"{name} {i % 5}\n" for i, name in enumerate(self.names)))

    def convert(self, *options: str) -> int:
        return main(["convert_imageset", *options, str(self.root), "list.txt", "set_lmdb"])

    def read(self, name: str) -> np.ndarray:
        """By OpenCV: (H, W, 3) uint8, BGR."""
        image = cv2.imread(str(self.root / name))
        assert image is not None
        return image


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Photographs:
    monkeypatch.chdir(tmp_path)
    return Photographs(tmp_path)


def test_photographs_become_records(photographs: Photographs, capsys: pytest.CaptureFixture[str]) -> None:
    assert photographs.convert("-resize_height=60", "--resize_width", "80") == 0
    assert capsys.readouterr().out == f"set_lmdb: {COUNT} records, (C, H, W) = (3, 60, 80)\n"
    found = images_of(Path("set_lmdb"))
    assert list(found) == [f"{i:08d}_{name}" for i, name in enumerate(photographs.names)]
    assert [label for _, label in found.values()] == [i % 5 for i in range(COUNT)]
    for name, (image, _) in zip(photographs.names, found.values(), strict=True):
        expected = cv2.resize(photographs.read(name), (80, 60)).transpose(2, 0, 1)
        # Two decoders of JPEG differ by rounding; a wrong order of channels or of axes would by far more.
        assert np.abs(image.astype(int) - expected).mean() < 1.0


def test_the_mean_of_photographs(photographs: Photographs, capsys: pytest.CaptureFixture[str]) -> None:
    photographs.convert("--resize_height=60", "--resize_width=80")
    capsys.readouterr()
    assert main(["compute_image_mean", "set_lmdb", "--backend=lmdb", "mean.binaryproto"]) == 0
    out = capsys.readouterr().out
    stack = np.stack([image for image, _ in images_of(Path("set_lmdb")).values()])
    expected = stack.mean(0, dtype=np.float64)
    np.testing.assert_allclose(read_mean("mean.binaryproto"), expected, rtol=1e-6)
    assert f"mean_value channel [2]: {expected[2].mean():.6g}\n" in out
    assert main(["compute-image-mean", "set_lmdb", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["shape"], found["file"]) == (COUNT, [3, 60, 80], None)
    np.testing.assert_allclose(found["mean_values"], expected.mean((1, 2)), rtol=1e-6)


def test_shuffled_and_gray(photographs: Photographs, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--gray", "--resize_height=20", "--resize_width=30", "--shuffle"]
    assert photographs.convert(*options, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["shapes"] == [{"shape": [1, 20, 30], "images": COUNT}]
    first = images_of(Path("set_lmdb"))
    names = [key[9:] for key in first]
    assert names != photographs.names
    assert sorted(names) == photographs.names
    for key, (_, label) in first.items():
        assert label == photographs.names.index(key[9:]) % 5
    assert photographs.convert(*options, "--overwrite") == 0
    assert list(images_of(Path("set_lmdb"))) == list(first)
    assert photographs.convert(*options, "--seed=1", "--overwrite") == 0
    assert list(images_of(Path("set_lmdb"))) != list(first)


def test_files_are_kept_as_they_are(photographs: Photographs) -> None:
    assert photographs.convert("--encoded") == 0
    for (key, value), name in zip(Records("set_lmdb"), photographs.names, strict=True):
        datum = parse_datum(value, key)
        assert datum.encoded
        assert datum.data == (photographs.root / name).read_bytes()


def test_files_of_another_type(photographs: Photographs) -> None:
    """PNG loses nothing: the pixels are those of the set of pixels."""
    assert photographs.convert("--encode_type=png", "--resize_height=20", "--resize_width=30") == 0
    encoded = images_of(Path("set_lmdb"))
    assert parse_datum(Records("set_lmdb").first()[1], b"").data.startswith(b"\x89PNG")
    assert photographs.convert("--resize_height=20", "--resize_width=30", "--overwrite") == 0
    for key, (image, _) in images_of(Path("set_lmdb")).items():
        assert (encoded[key][0] == image).all()


def test_a_gray_file_among_coloured_ones_gets_their_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caffe stores it as it is, and its Data layer fails over it later."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("gray.png", np.arange(48, dtype=np.uint8).reshape(6, 8))
    (tmp_path / "list.txt").write_text("gray.png 0\n")
    assert main(["convert-imageset", ".", "list.txt", "a_lmdb", "--encoded"]) == 0
    ((image, _),) = images_of(Path("a_lmdb")).values()
    assert image.shape == (3, 6, 8)
    assert (image == np.arange(48).reshape(6, 8)).all()


def spoil(names: list[str]) -> None:
    Path("list.txt").write_text("".join(f"{name} 0\n" for name in names))


@pytest.mark.parametrize(
    ("options", "names", "message"),
    [
        ((), ("none.jpg",), "there is no image file"),
        (("--check_size",), (), "resize them"),
        (("--resize_height=9",), (), "give both to resize"),
        (("--encode_type=gif",), (), "encode type 'gif': use one of"),
    ],
)
def test_nothing_half_made_is_left(
    photographs: Photographs,
    options: tuple[str, ...],
    names: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil([*photographs.names[:3], *names])
    before = set(Path().iterdir())
    assert photographs.convert(*options) == 1
    assert message in capsys.readouterr().err
    assert set(Path().iterdir()) == before


def test_unreadable_images_are_left_out_on_request(
    photographs: Photographs, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil([photographs.names[0], "none.jpg", photographs.names[1]])
    assert photographs.convert() == 1
    assert "such images can be left out (--skip_unreadable" in capsys.readouterr().err
    assert photographs.convert("--skip_unreadable", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["skipped"] == ["none.jpg"]
    assert "there is no image file" in err
    assert [key[:8] for key in images_of(Path("set_lmdb"))] == ["00000000", "00000002"]
    spoil(["none.jpg"])
    assert photographs.convert("--skip_unreadable", "--overwrite") == 1
    assert len(images_of(Path("set_lmdb"))) == 2  # the set that was there


def test_a_set_that_is_there_stays(photographs: Photographs, capsys: pytest.CaptureFixture[str]) -> None:
    assert photographs.convert("--encoded") == 0
    assert photographs.convert("--encoded") == 1
    assert "set_lmdb exists already" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["convert", "mean"])
def test_ctrl_c_leaves_nothing(
    photographs: Photographs,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command == "mean":
        photographs.convert("--resize_height=9", "--resize_width=9")
    before = set(Path().iterdir())
    put: Callable[..., None] = writer.RecordWriter.put

    def interrupted(self: writer.RecordWriter, key: str, value: bytes) -> None:
        put(self, key, value)
        os.kill(os.getpid(), signal.SIGINT)

    def write_interrupted(path: str, mean: np.ndarray) -> None:
        with writer_open(path) as stream:
            stream.write(b"half")
            os.kill(os.getpid(), signal.SIGINT)

    from owlkit.io import mean
    from owlkit.io.files import write_atomically as writer_open

    monkeypatch.setattr(writer.RecordWriter, "put", interrupted)
    monkeypatch.setattr(mean, "write_mean", write_interrupted)
    capsys.readouterr()
    if command == "convert":
        assert photographs.convert("--encoded") == 130
    else:
        assert main(["compute-image-mean", "set_lmdb", "mean.binaryproto"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert set(Path().iterdir()) == before


def test_a_mean_of_several_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_set(tmp_path / "s", [*random_images(2), *random_images(1, (3, 4, 4))], [0, 1, 2])
    assert main(["compute-image-mean", str(path)]) == 1
    assert "record '00000002' of" in capsys.readouterr().err


LENET = """layer {{ name: "data" type: "Data" top: "data" top: "label" transform_param {{ scale: 0.00390625 }}
data_param {{ source: "digits_lmdb" batch_size: 4 backend: LMDB }} }}
{rest}"""


class Lenet:
    """Caffe's LeNet of 2014 over a set of images of its size."""

    def __init__(self, folder: Path) -> None:
        self.weights = shared("models/lenet/lenet_iter_10000.caffemodel")
        definition = shared("models/lenet/deploy.prototxt").read_text()
        rest = definition[definition.index('layer {\n  name: "conv1"') :]
        (folder / "net.prototxt").write_text(LENET.format(rest=rest))
        self.images = random_images(10, (1, 28, 28))
        write_set(folder / "digits_lmdb", self.images, [0] * 10)
        self.deploy = Net(shared("models/lenet/deploy.prototxt"), weights=self.weights)
        self.deploy.blobs["data"].reshape((10, 1, 28, 28))

    def extract(self, *words: str) -> int:
        return main(["extract_features", str(self.weights), "net.prototxt", *words])

    def expected(self) -> dict[str, np.ndarray]:
        """ip1 and pool2 of all ten images, by `Net.forward` of the deploy definition."""
        self.deploy.forward(data=np.stack(self.images).astype(np.float32) / 256)
        return {name: np.array(self.deploy.blobs[name].data) for name in ("ip1", "pool2")}


@pytest.fixture
def lenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lenet:
    monkeypatch.chdir(tmp_path)
    return Lenet(tmp_path)


def test_features_of_a_real_model(lenet: Lenet, capsys: pytest.CaptureFixture[str]) -> None:
    assert lenet.extract("ip1,pool2", "ip1_lmdb,pool2_lmdb") == 0
    assert "pool2_lmdb: 10 records of pool2, (C, H, W) = (50, 4, 4)\n" in capsys.readouterr().out
    for name, expected in lenet.expected().items():
        found = images_of(Path(f"{name}_lmdb"))
        assert list(found) == [f"{i:010d}" for i in range(10)]
        stack = np.stack([image for image, _ in found.values()])
        assert stack.dtype == np.float32
        np.testing.assert_allclose(stack.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)


def test_features_in_the_words_of_caffes_tool(lenet: Lenet, capsys: pytest.CaptureFixture[str]) -> None:
    """A number of batches means whole batches, over the end of the set and on from its start."""
    assert lenet.extract("ip1", "ip1_lmdb", "3", "lmdb", "CPU") == 0
    found = [image for image, _ in images_of(Path("ip1_lmdb")).values()]
    assert len(found) == 12
    np.testing.assert_allclose(found[10], found[0], rtol=1e-5, atol=1e-6)
    assert lenet.extract("ip1", "other_lmdb", "1", "lmdb", "GPU", "0") == 4
    assert "leave out --gpu 0" in capsys.readouterr().err
    assert not Path("other_lmdb").exists()


def test_of_several_sets_of_features_all_appear_or_none(
    lenet: Lenet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ip1 is whole and pool2's disk is full: ip1 alone would look like a finished extraction."""
    place: Callable[[writer.RecordWriter], None] = writer.RecordWriter.place

    def full(self: writer.RecordWriter) -> None:
        with self._explained():
            if self.path.name == "pool2_lmdb":
                raise OSError(errno.ENOSPC, "No space left on device")
        place(self)

    with monkeypatch.context() as patched:
        patched.setattr(writer.RecordWriter, "place", full)
        assert lenet.extract("ip1,pool2", "ip1_lmdb,pool2_lmdb") == 1
    assert "no room to write pool2_lmdb" in capsys.readouterr().err
    assert not list(Path().glob("*ip1*"))
    assert not list(Path().glob("*pool2*"))
    assert lenet.extract("ip1,pool2", "ip1_lmdb,pool2_lmdb") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ip1,pool2", "a_lmdb,./a_lmdb"], "two blobs would be written to a_lmdb"),
        (["ip1,ip1", "a_lmdb,b_lmdb"], "blob 'ip1' is named twice"),
        (["ip3", "a_lmdb"], "no blob 'ip3' (did you mean 'ip"),
        (["ip1,pool2", "a_lmdb"], "2 blobs, but 1 sets"),
    ],
)
def test_features_that_cannot_be(
    lenet: Lenet, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lenet.extract(*words) == 1
    assert message in capsys.readouterr().err
    assert not Path("a_lmdb").exists()


def test_features_of_a_net_that_nothing_fills(lenet: Lenet, capsys: pytest.CaptureFixture[str]) -> None:
    """A deploy definition, whose input is zeros here: all its features would be those of a black image."""
    Path("net.prototxt").write_text(shared("models/lenet/deploy.prototxt").read_text())
    assert lenet.extract("ip1", "ip1_lmdb", "1") == 1
    err = capsys.readouterr().err
    assert "blob 'ip1' comes from 'data' (Input), which nothing fills here" in err
    assert "owl.features(net, folder, 'ip1')" in err
    assert not Path("ip1_lmdb").exists()
    assert main(["test", "-model", "net.prototxt", "-weights", str(lenet.weights), "-iterations", "1"]) == 0
    assert "nothing fills 'data' (Input): the figures are of zeros" in capsys.readouterr().err


def test_an_input_that_is_meant_to_be_zeros(lenet: Lenet) -> None:
    """Data feed the blob as well: zeros beside them may be meant."""
    net = Path("net.prototxt").read_text()
    zeros = 'layer { name: "none" type: "Input" top: "none" input_param { shape { dim: 4 dim: 500 } } }'
    both = 'layer { name: "both" type: "Eltwise" bottom: "ip1" bottom: "none" top: "both" }'
    Path("net.prototxt").write_text(net + zeros + both)
    assert lenet.extract("ip1,both", "ip1_lmdb,both_lmdb", "2") == 0
    found = [images_of(Path(f"{name}_lmdb")) for name in ("ip1", "both")]
    assert [image.tolist() for image, _ in found[0].values()] == [
        image.tolist() for image, _ in found[1].values()
    ]


def test_features_of_layers_without_weights(lenet: Lenet, capsys: pytest.CaptureFixture[str]) -> None:
    definition = Path("net.prototxt").read_text()
    Path("net.prototxt").write_text(definition.replace('name: "conv2"', 'name: "conv_new"'))
    assert lenet.extract("pool1,ip1", "pool1_lmdb,ip1_lmdb") == 1
    told = "blob 'ip1' comes from layers that have no weights in "
    assert told in (err := capsys.readouterr().err)
    assert "lenet_iter_10000.caffemodel: conv_new. Its features would be of random weights" in err
    assert not list(Path().glob("*pool1*"))
    assert lenet.extract("pool1", "pool1_lmdb") == 0
    assert lenet.extract("pool1,ip1", "a_lmdb,ip1_lmdb", "--untrained") == 0


def test_labels_go_with_features_as_a_blob(lenet: Lenet) -> None:
    """Datums of features have no label of their own, as Caffe's."""
    write_set(Path("labelled_lmdb"), lenet.images, list(range(10)))
    definition = Path("net.prototxt")
    definition.write_text(definition.read_text().replace("digits_lmdb", "labelled_lmdb"))
    assert lenet.extract("ip1,label", "ip1_lmdb,label_lmdb") == 0
    labels = images_of(Path("label_lmdb"))
    assert [int(image[0, 0, 0]) for image, _ in labels.values()] == list(range(10))
    features = images_of(Path("ip1_lmdb"))
    assert list(features) == list(labels)
    assert {label for _, label in features.values()} == {0}
