"""owlkit-compat: Caffe's programs by their own names."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.cli import compat
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.records import Records
from tests.support.sets import random_images

ROOT = Path(__file__).resolve().parents[2]
SOLVER = (
    'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" random_seed: 5 max_iter: 4 snapshot_prefix: "a"'
)


@pytest.fixture
def folder(folder: Path) -> Path:
    """The folder of all commands' tests, with a solver that ends soon."""
    (folder / "solver.prototxt").write_text(SOLVER)
    return folder


def test_install_and_remove(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = folder / "build" / "tools"
    assert compat.main(["install", "--bin", str(tools)]) == 0
    assert capsys.readouterr().out == f"installed in {tools}: {', '.join(compat.PROGRAMS)}\n"
    names = {path.name for path in tools.iterdir()}
    assert names == {name + end for name in compat.PROGRAMS for end in ("", ".bin")}
    assert all(os.access(path, os.X_OK) for path in tools.iterdir())
    assert compat.main(["install", "--bin", str(tools)]) == 0  # once more: ours may be replaced
    (tools / "caffe").unlink()
    (tools / "caffe").write_text("#!/bin/sh\nexec /opt/caffe/bin/caffe\n")
    assert compat.main(["install", "--bin", str(tools)]) == 1
    assert "has caffe of another maker" in capsys.readouterr().err
    assert compat.main(["remove", "--bin", str(tools)]) == 0
    assert [path.name for path in tools.iterdir()] == ["caffe"]
    assert "opt/caffe" in (tools / "caffe").read_text()


def test_a_shell_script_of_before(folder: Path) -> None:
    """Installed programs, called as Caffe's tutorials call them, from a script that stops at a failure."""
    compat.main(["install", "--bin", "build/tools"])
    Path("train.sh").write_text(
        "#!/usr/bin/env sh\nset -e\n"
        "GLOG_logtostderr=1 ./build/tools/caffe train -logtostderr=1 --solver=solver.prototxt $@\n"
        "./build/tools/caffe test -model net.prototxt -weights "
        "a_iter_4.caffemodel\n./build/tools/caffe.bin train -solver solver.prototxt -gpu 0\n"
        "echo not reached\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "train.sh"], capture_output=True, text=True, env=environment)
    assert done.returncode == 4, done.stderr
    assert "] Optimization Done." in done.stderr
    assert "] Running for 50 iterations." in done.stderr
    assert "not reached" not in done.stdout
    assert done.stderr.count("weights from a_iter_4.caffemodel: all 2 layers loaded") == 1
    assert done.stderr.count("loaded") == 1  # once, not as a table too
    assert "leave out --gpu 0" in done.stderr


def test_convert_imageset_goes_on_without_what_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(random_images(1)[0].transpose(1, 2, 0)).save("a.png")
    (folder / "list.txt").write_text("a.png 0\nnone.png 1\n")
    words = ["--logtostderr", "--minloglevel", "1", "--shuffle", "./", "list.txt", "set_lmdb"]
    assert compat.run("convert_imageset", words) == 0
    out, err = capsys.readouterr()
    assert "set_lmdb: 1 records" in out
    assert "none.png" in err


@pytest.mark.parametrize(
    ("given", "kept", "log_dir"),
    [
        (["-v", "2", "train"], ["train"], None),
        (["-v=2", "--alsologtostderr=1", "train"], ["train"], None),
        (["--log_dir", "/tmp", "--nologtostderr", "-solver", "x"], ["-solver", "x"], "/tmp"),
        (["-log_dir=logs", "train"], ["train"], "logs"),
        (["-logtostderr", "train"], ["train"], None),
        (["train", "-verbose"], ["train", "-verbose"], None),
    ],
)
def test_glogs_flags_are_taken_out(given: list[str], kept: list[str], log_dir: str | None) -> None:
    assert compat.without_glog(given) == (kept, log_dir)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("caffe", "train -gpu 0 -solver x", "train -solver x"),
        ("caffe", "train --gpu=all --solver=x", "train --solver=x"),
        ("caffe", "train -solver x", "train -solver x"),
        ("caffe", "device_query -gpu 0", "device_query -gpu 0"),
        ("extract_features", "w net fc7 set 10 lmdb GPU 1", "w net fc7 set 10 lmdb"),
        ("extract_features", "w net fc7 set 10 lmdb CPU", "w net fc7 set 10 lmdb CPU"),
    ],
)
def test_a_gpu_that_is_not_there(
    name: str, given: str, kept: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --cpu: what asks for it is taken out, and that is told; where it is there, it stays."""
    assert compat.on_cpu(name, given.split()) == kept.split()
    assert ("no such GPU: running on the CPU" in capsys.readouterr().err) == (given != kept)
    monkeypatch.setattr("owlkit.core.device.resolve_device", lambda name: None)
    assert compat.on_cpu(name, given.split()) == given.split()


def test_installed_with_cpu(folder: Path) -> None:
    compat.main(["install", "--bin", "bin", "--cpu"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GLOG_log_dir": "logs"}
    words = ["bin/caffe", "train", "-solver", "solver.prototxt", "-gpu", "0"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert (folder / "logs" / "caffe.INFO").read_text() in done.stderr


def test_sigterm_ends_an_installed_program_with_a_snapshot(folder: Path) -> None:
    compat.main(["install", "--bin", "bin"])
    (folder / "solver.prototxt").write_text(SOLVER.replace("max_iter: 4", "max_iter: 100000000 display: 5"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["bin/caffe", "train", "-solver", "solver.prototxt"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if "] Iteration 10 " in line)
        process.terminate()
        told = process.stderr.read()
    assert process.returncode == 130
    assert "] Optimization stopped early." in told
    assert list(folder.glob("a_iter_*.solverstate"))


@pytest.mark.usefixtures("folder")
def test_options_may_stand_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert compat.run("caffe", ["-model=net.prototxt", "-iterations=2", "test"]) == 0
    assert "] Running for 2 iterations." in capsys.readouterr().err
    assert compat.run("caffe", ["-solver", "solver.prototxt", "train"]) == 0


@pytest.mark.parametrize("words", [[], ["trian"], ["-version"]])
def test_another_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compat.run("caffe", words) == 2
    assert "commands: train, test, time, device_query" in capsys.readouterr().err


def test_caffes_script_for_mnist(folder: Path) -> None:
    """The commands of examples/mnist/create_mnist.sh, on files of MNIST's form; gzipped ones will do too."""
    images = np.stack(random_images(5, (4, 6)))
    for name, content in (
        ("t10k-images-idx3-ubyte", images),
        ("t10k-labels-idx1-ubyte", np.arange(5, dtype=np.uint8)),
    ):
        head = b"\0\0\x08" + bytes([content.ndim]) + np.array(content.shape, ">i4").tobytes()
        Path(name).write_bytes(head + content.tobytes())
        Path(f"{name}.gz").write_bytes(gzip.compress(head + content.tobytes()))
    compat.main(["install", "--bin", "build/examples/mnist"])
    Path("create_mnist.sh").write_text(
        '#!/usr/bin/env sh\nset -e\nBUILD=build/examples/mnist\nBACKEND="lmdb"\n'
        "rm -rf mnist_test_${BACKEND}\n"
        "$BUILD/convert_mnist_data.bin t10k-images-idx3-ubyte t10k-labels-idx1-ubyte \\\n"
        "  mnist_test_${BACKEND} --backend=${BACKEND}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        done = subprocess.run(["sh", "create_mnist.sh"], capture_output=True, text=True, env=environment)
        assert (done.returncode, done.stdout) == (0, "mnist_test_lmdb: 5 records\n"), done.stderr
    expected = [(b"%08d" % i, images[i], i) for i in range(5)]
    assert contents("mnist_test_lmdb") == [
        (key, image[None].tolist(), label) for key, image, label in expected
    ]
    packed = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "from_gz"]
    assert compat.run("convert_mnist_data", packed) == 0
    assert contents("from_gz") == contents("mnist_test_lmdb")
    assert compat.run("convert_mnist_siamese_data", [*packed[:2], "pairs"]) == 0
    for _, pair, label in contents("pairs"):
        numbers = [next(i for i in range(5) if images[i].tolist() == one) for one in pair]
        assert label == (numbers[0] == numbers[1])


def contents(path: str) -> list[tuple[bytes, list[Any], int]]:
    """(key, image, label) of each record."""
    datums = [(key, parse_datum(value, key)) for key, value in Records(path)]
    return [(key, datum_to_array(datum, key).tolist(), datum.label) for key, datum in datums]


def test_caffes_script_for_cifar10(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands of examples/cifar10/create_cifar10.sh."""
    (folder / "data").mkdir()
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for number, name in enumerate(names):
        record = bytes([number]) + bytes(range(256)) * 12
        (folder / "data" / name).write_bytes(record * 2)
    assert compat.run("convert_cifar_data", ["data", ".", "lmdb"]) == 0
    train, test = contents("cifar10_train_lmdb"), contents("cifar10_test_lmdb")
    assert [key for key, _, _ in train] == [b"%05d" % i for i in range(10)]
    assert [label for _, _, label in train] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [label for _, _, label in test] == [5, 5]
    assert np.array(test[0][1], np.uint8).tobytes() == bytes(range(256)) * 12
    assert compat.run("compute_image_mean", ["-backend=lmdb", "cifar10_train_lmdb", "mean.binaryproto"]) == 0
    capsys.readouterr()
    before = set(folder.iterdir())
    (folder / "data" / names[-1]).write_bytes(b"short")
    assert compat.run("convert_cifar_data", ["data", ".", "lmdb", "--overwrite"]) == 1
    assert "5 bytes are no whole number of records" in capsys.readouterr().err
    (folder / "data" / names[0]).unlink()
    assert compat.run("convert_cifar_data", ["data", "."]) == 1
    assert "there is no file of CIFAR-10 data/data_batch_1.bin" in capsys.readouterr().err
    assert set(folder.iterdir()) == before
    assert contents("cifar10_train_lmdb") == train


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels", "images", "a_lmdb"], "labels has shape (2,), not 3 axes as images have; is it the other"),
        (["images", "three", "a_lmdb"], "images has 2 images, but three 3 labels"),
        (["images", "none", "a_lmdb"], "there is no IDX file none"),
        (["solver.prototxt", "labels", "a_lmdb"], "solver.prototxt is no IDX file of bytes"),
    ],
)
def test_wrong_files_for_mnist(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, shape in (("images", (2, 3, 3)), ("labels", (2,)), ("three", (3,))):
        head = b"\0\0\x08" + bytes([len(shape)]) + np.array(shape, ">i4").tobytes()
        (folder / name).write_bytes(head + bytes(int(np.prod(shape))))
    assert compat.run("convert_mnist_data", words) == 1
    assert message in capsys.readouterr().err
    assert not list(folder.glob("a_lmdb*"))


@pytest.mark.parametrize("name", ["compute_image_mean", "extract_features", "upgrade_net_proto_text"])
def test_the_other_programs_reach_their_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compat.run(name, ["--help"])
    assert f"usage: owlkit {compat.PROGRAMS[name][0]}" in capsys.readouterr().out
